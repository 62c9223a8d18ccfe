#include "cmd/command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { OPT_CONFIG = 1000, OPT_HELP };

static const char default_config[] = "/etc/maillayer/maillayer.ini";

int command_usage(const struct command *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "maillayer %s: ", c->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nTry `maillayer %s --help`.\n", c->name);
	return 2;
}

static void print_option(const char *name, const char *argument, const char *help)
{
	char left[64];

	snprintf(left, sizeof(left), "--%s%s%s", name, argument ? " " : "",
	    argument ? argument : "");
	printf("  %-22s %s\n", left, help);
}

static int print_help(const struct command *c)
{
	printf("usage: maillayer %s [options]%s%s\n\n%s\n\n", c->name,
	    c->usage[0] ? " " : "", c->usage, c->summary);
	if (c->more != NULL)
		printf("%s\n", c->more);
	for (const struct command_option *o = c->options; o->name != NULL; o++)
		print_option(o->name, o->argument, o->help);
	print_option("config", "FILE",
	    "configuration; otherwise /etc/maillayer/maillayer.ini");
	print_option("help", NULL, "this text");
	return 0;
}

/* getopt's table of the command's options; value = index. */
static void make_table(const struct command *c, struct option *table)
{
	int n = 0;

	for (; n < COMMAND_OPTIONS_MAX && c->options[n].name != NULL; n++)
		table[n] = (struct option){ c->options[n].name,
			c->options[n].argument ? required_argument : no_argument, NULL,
			n };
	table[n++] = (struct option){ "config", required_argument, NULL, OPT_CONFIG };
	table[n++] = (struct option){ "help", no_argument, NULL, OPT_HELP };
	table[n] = (struct option){ NULL, 0, NULL, 0 };
}

/* -1 to go on, otherwise the exit status. */
static int parse(const struct command *c, int argc, char **argv, struct arguments *a)
{
	struct option table[COMMAND_OPTIONS_MAX + 3];
	int opt;

	make_table(c, table);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "h", table, NULL)) != -1) {
		if (opt == OPT_HELP || opt == 'h')
			return print_help(c);
		if (opt == ':' || opt == '?')
			return command_usage(c,
			    "`%s` is no option of it, or lacks its value.",
			    argv[optind - 1]);
		if (opt == OPT_CONFIG)
			a->config = optarg;
		else
			a->values[opt] = optarg ? optarg : "";
	}
	a->rest = argv + optind;
	a->nrest = argc - optind;
	return -1;
}

int command_run(const struct command *c, int argc, char **argv)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "command");
	struct arguments a = { .mem = mem };
	int status = parse(c, argc, argv, &a);

	if (status >= 0)
		return status;
	if (a.config == NULL && access(default_config, R_OK) == 0)
		a.config = default_config;
	return c->run(&a);
}
