#include <stdio.h>

#include "app.h"
#include "base/pace.h"
#include "cmd/commands.h"
#include "service/judge.h"

enum { FIRST = 100, LEAST = 10, MOST = 5000 };

static int run(struct arguments *a)
{
	struct judge_report r = { .more = true };
	struct pace pace = { FIRST, LEAST, MOST };
	struct app *app;
	enum err e = OK;

	if (a->nrest > 0)
		return command_usage(&command_judge, "this takes no arguments.");
	if (app_open(a->mem, a->config, "judge", APP_DB, &app) != OK)
		return 1;
	while (e == OK && r.more) {
		int rows = pace.rows;

		e = judge_history(app->db, clock_now(app->clock), rows, &r);
		pace_took(&pace, rows, db_held_us(app->db));
	}
	if (e != OK) {
		fprintf(stderr,
		    "maillayer judge: It ended early (%s). What it has judged stays;"
		    " run it again to go on.\n",
		    err_name(e));
		return 1;
	}
	printf("%lld events looked at by version %d of the rules: %lld judgements"
	       " changed.\n",
	    (long long)r.looked, JUDGE_RULES, (long long)r.changed);
	return 0;
}

const struct command command_judge = {
	.name = "judge",
	.usage = "",
	.summary = "Judges the history of opens and clicks by the present rules.",
	.more =
	    "Events keep what they were judged by. After an update that brings new\n"
	    "rules, this decides again which of them are a person's and which a\n"
	    "machine's, and changes the reports with them. It may run while mail is\n"
	    "being sent, and may be stopped: it goes on where it was.\n",
	.run = run,
};
