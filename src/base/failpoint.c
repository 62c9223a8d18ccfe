#include "base/failpoint.h"

#ifdef FAILPOINTS

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char variable[] = "MAILLAYER_FAILPOINT";

/* The environment counts the passes: one less with each. */
static long passes_left(const char *name, const char *how, const char *count)
{
	char text[200];
	long n = strtol(count, NULL, 10);

	snprintf(text, sizeof(text), "%s:%s%ld", name, how, n - 1);
	setenv(variable, text, 1);
	return n - 1;
}

enum err failpoint_pass(const char *name, enum err e)
{
	const char *want = getenv(variable), *rest;
	size_t len;

	name += strlen("failpoint ");
	len = strlen(name);
	if (!want || strncmp(want, name, len) != 0 || want[len] != ':')
		return OK;
	rest = want + len + 1;
	if (strcmp(rest, "error") == 0)
		return e;
	if (strncmp(rest, "error:", 6) == 0)
		return passes_left(name, "error:", rest + 6) == 0 ? e : OK;
	if (passes_left(name, "", rest) == 0)
		kill(getpid(), SIGKILL);
	return OK;
}

#endif
