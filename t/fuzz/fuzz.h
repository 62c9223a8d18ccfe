#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * A fuzz target: t/fuzz/NAME.c defines the two below, t/fuzz/corpus/NAME/ has its
 * seeds. Built twice: with driver.c for libFuzzer (t/fuzz/run), and with replay.c as a
 * test of
 * ./test that plays the seeds and some mutations of them.
 */

/* More bytes than this are of no interest. */
extern const size_t fuzz_max;

/*
 * s: n bytes and not one more, so that reading too far is seen.  mem is freed
 * afterwards.
 */
void fuzz_one(void *mem, const char *s, size_t n);

/* The same bytes as a C string, up to the first NUL. */
char *fuzz_text(void *mem, const char *s, size_t n);

/* What must hold for every input. */
#define FUZZ_CHECK(cond)                                                               \
	do {                                                                           \
		if (!(cond)) {                                                         \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);     \
			__builtin_trap();                                              \
		}                                                                      \
	} while (0)
