#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "cmd/commands.h"
#include "repo/ledger_check.h"
#include "repo/people_count.h"
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

static int check_ledger(struct arguments *a, struct app *app, long long campaign)
{
	struct ledger_verdict v;
	enum err e = ledger_check(app->db, a->mem, campaign, &v);

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

static int check_people(struct arguments *a, struct app *app)
{
	struct people_fault *f;
	size_t n;
	enum err e = people_check(app->db, a->mem, &f, &n);

	if (e != OK) {
		fprintf(stderr, "maillayer check: The people cannot be read: %s.\n",
		    err_name(e));
		return 1;
	}
	for (size_t i = 0; i < n; i++)
		printf("brand %lld: %s %s: %lld counted, %lld found\n",
		    (long long)f[i].brand, f[i].kind, f[i].item, (long long)f[i].told,
		    (long long)f[i].found);
	if (n)
		printf("Everybody counted: %zu numbers do not add up.\n", n);
	else
		puts("Everybody counted: everything adds up.");
	return n > 0;
}

static int run(struct arguments *a)
{
	bool people = a->nrest == 1 && strcmp(a->rest[0], "people") == 0;
	long long campaign = 0;
	struct app *app;
	char *end = NULL;

	if (!people && (a->nrest != 1 || strcmp(a->rest[0], "ledger") != 0))
		return command_usage(&command_check,
		    "say what to check: ledger or people.");
	if (a->values[0] != NULL)
		campaign = strtoll(a->values[0], &end, 10);
	if (a->values[0] != NULL && (*end || campaign <= 0))
		return command_usage(&command_check, "`%s` is no campaign's number.",
		    a->values[0]);
	if (app_open(a->mem, a->config, "check", APP_DB, &app) != OK)
		return 1;
	return people ? check_people(a, app) : check_ledger(a, app, campaign);
}

const struct command command_check = {
	.name = "check",
	.usage = "ledger|people",
	.summary = "Looks whether everything that was sent is accounted for.",
	.more = "ledger: recounts the ledger of each campaign, its attempts and its\n"
		"report. people: counts the people of each brand, of its lists and\n"
		"with its tags, and compares with the numbers that pages show.\n"
		"Prints what does not add up, in words. It only reads, and may run\n"
		"while mail is being sent. The exit status is 1 if something does\n"
		"not add up.\n",
	.options = { { "campaign", "NUMBER", "this campaign only; otherwise all" } },
	.run = run,
};
