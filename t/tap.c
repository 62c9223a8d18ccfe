#include "tap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run, failed;

static bool result(bool cond, const char *file, int line, const char *name, va_list ap)
{
	char text[400];

	run++;
	vsnprintf(text, sizeof(text), name, ap);
	printf("%s %d - ", cond ? "ok" : "not ok", run);
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '#')
			putchar('\\'); /* else prove reads a directive */
		putchar((unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
	}
	putchar('\n');
	if (!cond) {
		failed++;
		printf("#   at %s:%d\n", file, line);
	}
	fflush(stdout);
	return cond;
}

bool tap_ok(bool cond, const char *file, int line, const char *name, ...)
{
	va_list ap;

	va_start(ap, name);
	result(cond, file, line, name, ap);
	va_end(ap);
	return cond;
}

bool tap_is_int(int64_t got, int64_t want, const char *file, int line, const char *name,
    ...)
{
	va_list ap;
	bool good = got == want;

	va_start(ap, name);
	result(good, file, line, name, ap);
	va_end(ap);
	if (!good)
		diag("  got %" PRId64 ", want %" PRId64, got, want);
	return good;
}

bool tap_is_text(const char *got, const char *want, const char *file, int line,
    const char *name, ...)
{
	va_list ap;
	bool good =
	    got == want || (got != NULL && want != NULL && strcmp(got, want) == 0);

	va_start(ap, name);
	result(good, file, line, name, ap);
	va_end(ap);
	if (!good)
		diag("  got  %s\n#   want %s", got ? got : "(NULL)",
		    want ? want : "(NULL)");
	return good;
}

void diag(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void tap_count(const char *what, int64_t n)
{
	diag("count %s %" PRId64, what, n);
}

void skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	fflush(stdout);
	exit(0);
}

int done_testing(void)
{
	printf("1..%d\n", run);
	if (failed > 0)
		diag("%d of %d failed", failed, run);
	return failed > 0;
}
