#include "base/mem.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef FAILPOINTS
__attribute__((weak)) bool mem_out(void)
{
	return false;
}
#else
#define mem_out() false
#endif

/* Nothing sensible can be done without memory; the supervisor starts a new worker. */
static void *given(void *p)
{
	static const char text[] = "maillayer: out of memory\n";

	if (p == NULL || mem_out()) {
		if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
			abort();
		abort();
	}
	return p;
}

void *mem_scope(void *parent, const char *name)
{
	return given(talloc_named_const(parent, 0, name));
}

void *mem_pool(void *parent, const char *name, size_t size)
{
	void *p = given(talloc_pool(parent, size));

	talloc_set_name_const(p, name);
	return p;
}

void *mem_zero(void *mem, size_t size, const char *name)
{
	return memset(given(talloc_named_const(mem, size, name)), 0, size);
}

void *mem_zero_array(void *mem, size_t size, size_t n, const char *name)
{
	size_t total;

	if (__builtin_mul_overflow(size, n, &total))
		given(NULL);
	return mem_zero(mem, total, name);
}

void *mem_resize(void *mem, void *p, size_t n)
{
	size_t had = p ? talloc_get_size(p) : 0;
	size_t want = n > 0 ? n : 1; /* talloc frees at size 0 and answers NULL */
	char *q = given(talloc_realloc_size(mem, p, want));

	if (want > had)
		memset(q + had, 0, want - had);
	return q;
}

char *mem_str(void *mem, const char *s)
{
	return s ? given(talloc_strdup(mem, s)) : NULL;
}

char *mem_strn(void *mem, const char *s, size_t n)
{
	return s ? given(talloc_strndup(mem, s, n)) : NULL;
}

void *mem_copy(void *mem, const void *p, size_t n)
{
	void *copy;

	if (p == NULL)
		return NULL;
	copy = given(talloc_size(mem, n));
	return n > 0 ? memcpy(copy, p, n) : copy;
}

char *mem_printf(void *mem, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = mem_vprintf(mem, fmt, ap);
	va_end(ap);
	return s;
}

char *mem_vprintf(void *mem, const char *fmt, va_list ap)
{
	return given(talloc_vasprintf(mem, fmt, ap));
}

void mem_free(void *p)
{
	if (p != NULL)
		talloc_free(p);
}

void *mem_move(void *new_owner, void *p)
{
	return p ? given(talloc_steal(new_owner, p)) : NULL;
}

void mem_trim(void)
{
	malloc_trim(0);
}

void mem_scope_done(void *ctx)
{
	mem_free(*(void **)ctx);
}
