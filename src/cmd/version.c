#include <stdio.h>

#include "cmd/commands.h"

static int run(struct arguments *a)
{
	(void)a;
	puts("maillayer " VERSION);
	return 0;
}

const struct command command_version = {
	.name = "version",
	.usage = "",
	.summary = "Prints the version.",
	.run = run,
};
