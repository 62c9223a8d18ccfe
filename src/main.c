#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"

static const struct command *const commands[] = {
	&command_web,
	&command_track,
	&command_confirm,
	&command_cron,
	&command_cron_once,
	&command_migrate,
	&command_user,
	&command_judge,
	&command_key,
	&command_render,
	&command_secret,
	&command_setup_link,
	&command_doctor,
	&command_check,
	&command_demo,
	&command_version,
};

enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

static int help(void)
{
	puts("usage: maillayer COMMAND [options]\n\nSelf-hosted email marketing.\n");
	for (int i = 0; i < COMMANDS; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	puts("\n`maillayer COMMAND --help` says more about one.");
	return 0;
}

static int unknown(const char *name)
{
	if (name == NULL)
		fputs("maillayer: say which command to run.\n", stderr);
	else
		fprintf(stderr, "maillayer: there is no command `%s`.\n", name);
	fputs("Try `maillayer --help`.\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (name == NULL)
		return unknown(NULL);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
	    strcmp(name, "help") == 0)
		return help();
	if (strcmp(name, "--version") == 0)
		name = "version";
	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return command_run(commands[i], argc - 1, argv + 1);
	return unknown(name);
}
