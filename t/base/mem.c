#include "base/mem.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "tap.h"

static int freed;

static int count_free(char *p)
{
	(void)p;
	freed++;
	return 0;
}

static void overflow(void)
{
	mem_zero_array(NULL, SIZE_MAX / 2, 3, "too much");
}

static void huge(void)
{
	struct buf *b = buf_new(NULL);

	buf_reserve(b, SIZE_MAX - 2);
}

/* The signal that ended a child running fn. */
static int killed_by(void (*fn)(void))
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		close(STDERR_FILENO);
		fn();
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void scopes(void)
{
	{
		MEM_SCOPE void *tmp = mem_scope(NULL, "tmp");
		char *s = mem_str(tmp, "x");

		mem_on_free(s, count_free);
		is_int(freed, 0, "MEM_SCOPE keeps what it owns until it ends");
	}
	is_int(freed, 1, "MEM_SCOPE frees what it owns at the end");
}

static void owners(void)
{
	void *a = mem_scope(NULL, "a"), *b = mem_scope(NULL, "b");
	char *s = mem_str(a, "moved");

	ok(mem_move(b, s) == s, "mem_move gives the same memory");
	mem_free(a);
	is_text(s, "moved", "mem_move saves it from its old owner's end");
	mem_free(b);
	ok(mem_move(NULL, NULL) == NULL, "mem_move of NULL is NULL");
	mem_free(NULL);
}

static void grows(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "grows");
	char *p = NULL;
	size_t n = 0, wrong = 0;

	for (size_t to = 1; to < 70000; to = to * 3 + 1) {
		p = mem_resize(mem, p, to);
		for (size_t i = n; i < to; i++)
			wrong += p[i] != 0;
		memset(p, 'x', to);
		n = to;
	}
	is_int(wrong, 0, "mem_resize gives zeroes");
	is_int(p[0], 'x', "and keeps what was there");
	p = mem_resize(mem, mem_resize(mem, p, 3), 9);
	ok(p[2] == 'x' && p[3] == 0 && p[8] == 0,
	    "what was cut off does not come back when it grows again");
}

static void copies(void)
{
	void *mem = mem_scope(NULL, "copies");
	int *zeros = mem_array(mem, int, 100);
	int sum = 0;
	char *p;

	for (int i = 0; i < 100; i++)
		sum |= zeros[i];
	is_int(sum, 0, "mem_array clears");
	ok(mem_str(mem, NULL) == NULL, "mem_str of NULL is NULL");
	ok(mem_copy(mem, NULL, 5) == NULL, "mem_copy of NULL is NULL");
	is_text(mem_strn(mem, "abcdef", 3), "abc", "mem_strn stops at n");
	is_text(mem_strn(mem, "ab", 9), "ab", "mem_strn stops at the end");
	is_text(mem_printf(mem, "%d-%s", 7, "x"), "7-x", "mem_printf formats");
	ok(memcmp(mem_copy(mem, "a\0b", 3), "a\0b", 3) == 0, "mem_copy copies NULs");
	p = mem_resize(mem, NULL, 4);
	memcpy(p, "abc", 4);
	p = mem_resize(mem, p, 40000);
	is_text(p, "abc", "mem_resize keeps the contents");
	ok(mem_resize(mem, p, 0) != NULL, "mem_resize to nothing is not NULL");
	mem_free(mem);
}

int main(void)
{
	scopes();
	owners();
	grows();
	copies();
	is_int(killed_by(overflow), SIGABRT,
	    "mem_zero_array aborts when size * n overflows");
	is_int(killed_by(huge), SIGABRT,
	    "buf_reserve aborts when the length overflows");
	return done_testing();
}
