#pragma once

/*
 * A subcommand: one file in src/cmd defines one `const struct command command_<name>`,
 * and main.c lists it.  --config FILE and --help are everywhere and not in `options`.
 */
struct command_option {
	const char *name;     /* "email": --email */
	const char *argument; /* "ADDRESS"; NULL: a flag */
	const char *help;
};

enum { COMMAND_OPTIONS_MAX = 8 };

struct arguments {
	void *mem;          /* lives as long as the command */
	const char *config; /* file, or NULL: defaults and environment only */
	const char *values[COMMAND_OPTIONS_MAX]; /* by option; a flag given is "" */
	char **rest; /* what follows the options, NULL-terminated */
	int nrest;
};

struct command {
	const char *name;
	const char *usage;   /* what follows the name in the usage line */
	const char *summary; /* one line */
	const char *more;    /* further lines of help, or NULL */
	struct command_option options[COMMAND_OPTIONS_MAX]; /* ends with an empty one */
	int (*run)(struct arguments *a);                    /* the exit status */
};

/* Exit status 2, after saying on stderr what is wrong and how to get help. */
int command_usage(const struct command *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Parses argv (argv[0] is the command's name), runs it, frees what it made. */
int command_run(const struct command *c, int argc, char **argv);
