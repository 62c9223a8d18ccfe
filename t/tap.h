#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * TAP for C tests.  A test's name finishes the sentence "<function> ...".
 *
 *	int main(void)
 *	{
 *		ok(1 + 1 == 2, "adds");
 *		is_int(f(), 3, "counts three");
 *		is_text(s, "abc", "says abc");
 *		return done_testing();
 *	}
 */
#define ok(cond, ...) tap_ok((cond), __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...)                                                         \
	tap_is_int((got), (want), __FILE__, __LINE__, __VA_ARGS__)
#define is_text(got, want, ...)                                                        \
	tap_is_text((got), (want), __FILE__, __LINE__, __VA_ARGS__)

bool tap_ok(bool cond, const char *file, int line, const char *name, ...)
    __attribute__((format(printf, 4, 5)));
bool tap_is_int(int64_t got, int64_t want, const char *file, int line, const char *name,
    ...) __attribute__((format(printf, 5, 6)));
bool tap_is_text(const char *got, const char *want, const char *file, int line,
    const char *name, ...) __attribute__((format(printf, 5, 6)));
/* A "# ..." line. */
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A "# count WHAT N" line: t/fault/long adds them up. */
void tap_count(const char *what, int64_t n);
/* Prints "1..0 # SKIP why" and exits 0: the whole program is skipped. */
void skip_all(const char *why) __attribute__((noreturn));
/* Prints the plan; the exit status for main. */
int done_testing(void);
