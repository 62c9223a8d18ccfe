#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "cmd/commands.h"
#include "repo/ledger_check.h"
#include "repo/repo.h"

static void print_fault(const struct ledger_fault *f)
{
	printf("campaign %lld: %s (%s): %lld%s%s%s\n", (long long)f->campaign, f->text,
	    f->rule, (long long)f->n, f->example[0] ? " (" : "", f->example,
	    f->example[0] ? ")" : "");
}

static int report(const struct ledger_verdict *v)
{
	for (size_t i = 0; i < v->n; i++)
		print_fault(&v->faults[i]);
	printf("%lld campaigns with %lld recipients looked at: ",
	    (long long)v->campaigns, (long long)v->rows);
	if (v->n)
		printf("%zu things do not add up.\n", v->n);
	else
		puts("everything adds up.");
	return v->n > 0;
}

static int run(struct arguments *a)
{
	struct ledger_verdict v;
	long long campaign = 0;
	struct app *app;
	char *end = NULL;
	enum err e;

	if (a->nrest != 1 || strcmp(a->rest[0], "ledger") != 0)
		return command_usage(&command_check, "say what to check: ledger.");
	if (a->values[0] != NULL)
		campaign = strtoll(a->values[0], &end, 10);
	if (a->values[0] != NULL && (*end || campaign <= 0))
		return command_usage(&command_check, "`%s` is no campaign's number.",
		    a->values[0]);
	if (app_open(a->mem, a->config, "check", APP_DB, &app) != OK)
		return 1;
	e = ledger_check(app->db, a->mem, campaign, &v);
	if (e == OK)
		return report(&v);
	if (e == ERR_NOTFOUND)
		fprintf(stderr, "maillayer check: There is no campaign %lld.\n",
		    campaign);
	else
		fprintf(stderr, "maillayer check: The ledger cannot be read: %s.\n",
		    err_name(e));
	return 1;
}

const struct command command_check = {
	.name = "check",
	.usage = "ledger",
	.summary = "Looks whether everything that was sent is accounted for.",
	.more = "Recounts the ledger of each campaign, its attempts and its report,\n"
		"and prints what does not add up, in words. It only reads, and may\n"
		"run while mail is being sent. The exit status is 1 if something\n"
		"does not add up.\n",
	.options = { { "campaign", "NUMBER", "this campaign only; otherwise all" } },
	.run = run,
};
