#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "tap.h"

/*
 * Plays the seeds of a target, each as it is and then changed a little, always in the
 * same way.  FUZZ_ROUNDS: changes of each seed.
 */
enum { SEED_MAX = 64 * 1024, ROUNDS = 200 };

char *fuzz_text(void *mem, const char *s, size_t n)
{
	return mem_strn(mem, s, strnlen(s, n));
}

static unsigned next(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static const char *playing; /* told when it breaks its target */
static size_t playing_n;

static void broken(int signal)
{
	printf("# broken by: ");
	for (size_t i = 0; i < playing_n; i++) {
		unsigned char c = (unsigned char)playing[i];

		printf(c >= ' ' && c < 0x7f && c != '\\' ? "%c" : "\\x%02x", c);
	}
	printf("\n");
	fflush(stdout);
	_exit(signal);
}

/* Talloc puts guards of its own behind small blocks: only malloc shows one byte more.
 */
static void play(const char *s, size_t n)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "replay");
	char *exact = malloc(n ? n : 1);

	if (exact == NULL)
		return;
	memcpy(exact, s, n);
	playing = exact;
	playing_n = n;
	fuzz_one(mem, exact, n);
	free(exact);
}

/* One of: a byte changed, some removed, some doubled, some of the input moved. */
static size_t change(char *s, size_t n, unsigned *state)
{
	static const char odd[] =
	    "\0\x01\n\r\t\x1b\x7f\x80\xff%&=;,:\"'<>{}[]()\\/+-.@#09";
	size_t at = n ? next(state) % n : 0, some = n ? next(state) % (n - at) + 1 : 0;

	switch (n ? next(state) % 5 : 0) {
	case 0:
		if (n == 0)
			return 0;
		s[at] = odd[next(state) % (sizeof(odd) - 1)];
		return n;
	case 1: s[at] = (char)(s[at] ^ 1 << next(state) % 8); return n;
	case 2: memmove(s + at, s + at + some, n - at - some); return n - some;
	case 3:
		if (n + some > SEED_MAX)
			return n;
		memmove(s + at + some, s + at, n - at);
		return n + some;
	default:
		if (n == SEED_MAX)
			return n;
		memmove(s + at + 1, s + at, n - at);
		s[at] = odd[next(state) % (sizeof(odd) - 1)];
		return n + 1;
	}
}

static size_t mutate(const char *seed, size_t n, unsigned *state, int rounds)
{
	char *s = malloc(SEED_MAX);
	size_t len, done = 0;

	for (int i = 0; s != NULL && i < rounds; i++) {
		memcpy(s, seed, n);
		len = n;
		for (unsigned k = next(state) % 4 + 1; k > 0; k--)
			len = change(s, len, state);
		if (len > fuzz_max)
			continue;
		play(s, len);
		done++;
	}
	free(s);
	return done;
}

static size_t read_seed(const char *dir, const char *name, char *s)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "seed");
	int fd = open(mem_printf(tmp, "%s/%s", dir, name), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, s, SEED_MAX);

	if (fd >= 0)
		close(fd);
	return n > 0 ? (size_t)n : 0;
}

static int by_name(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "replay");
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argv[0];
	const char *dir = mem_printf(mem, "%s/t/fuzz/corpus/%s", SOURCE_DIR, name);
	char *seed = mem_zero(mem, SEED_MAX, "seed");
	int rounds = getenv("FUZZ_ROUNDS") ? atoi(getenv("FUZZ_ROUNDS")) : ROUNDS;
	struct dirent **list = NULL;
	size_t changed = 0;
	unsigned state = 1;
	int n = scandir(dir, &list, by_name, alphasort);

	signal(SIGILL, broken);
	signal(SIGTRAP, broken);
	play("", 0);
	for (int i = 0; i < n; i++) {
		size_t len = read_seed(dir, list[i]->d_name, seed);

		play(seed, len);
		changed += mutate(seed, len, &state, rounds);
		free(list[i]);
	}
	free(list);
	ok(n > 2, "%s has seeds", name);
	ok(changed > 0 || rounds == 0, "%s: none of %d seeds and %zu changes breaks it",
	    name, n, changed);
	return done_testing();
}
