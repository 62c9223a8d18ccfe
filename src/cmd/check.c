#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "cmd/commands.h"
#include "repo/event_check.h"
#include "repo/ledger_check.h"
#include "repo/people_count.h"
#include "repo/repo.h"
#include "service/judge.h"

enum { CAMPAIGN, JSON }; /* options */
enum { LEDGER, PEOPLE, EVENTS };

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

/* ---- events ---- */

static void print_events(const struct event_verdict *v)
{
	for (size_t i = 0; i < v->n; i++)
		printf("campaign %lld: %s: %lld (%s)\n",
		    (long long)v->faults[i].campaign, v->faults[i].text,
		    (long long)v->faults[i].n, v->faults[i].example);
	printf("%lld campaigns with %lld events recounted: ", (long long)v->campaigns,
	    (long long)v->events);
	if (v->n)
		printf("%zu things do not add up.\n", v->n);
	else
		puts("everything adds up.");
	if (v->older)
		printf("%lld opens and clicks were judged by older rules: maillayer"
		       " judge judges them again.\n",
		    (long long)v->older);
}

static int check_events(struct arguments *a, struct app *app, long long campaign)
{
	struct event_verdict v;
	enum err e = event_check(app->db, a->mem, campaign, JUDGE_RULES, &v);

	if (e == ERR_NOTFOUND)
		fprintf(stderr, "maillayer check: There is no campaign %lld.\n",
		    campaign);
	else if (e != OK)
		fprintf(stderr, "maillayer check: The events cannot be read: %s.\n",
		    err_name(e));
	else if (a->values[JSON] != NULL)
		printf("{\"events\": %lld, \"wrong\": %zu, \"older\": %lld}\n",
		    (long long)v.events, v.n, (long long)v.older);
	else
		print_events(&v);
	return e != OK || v.n > 0;
}

static const char *const things[] = { "ledger", "people", "events", NULL };

static int thing_of(const struct arguments *a)
{
	int i = 0;

	while (a->nrest == 1 && things[i] && strcmp(things[i], a->rest[0]) != 0)
		i++;
	return a->nrest == 1 && things[i] ? i : -1;
}

static int run(struct arguments *a)
{
	int thing = thing_of(a);
	long long campaign = 0;
	struct app *app;
	char *end = NULL;

	if (thing < 0)
		return command_usage(&command_check,
		    "say what to check: ledger, people or events.");
	if (a->values[JSON] != NULL && thing != EVENTS)
		return command_usage(&command_check, "--json is for events only.");
	if (a->values[CAMPAIGN] != NULL)
		campaign = strtoll(a->values[CAMPAIGN], &end, 10);
	if (a->values[CAMPAIGN] != NULL && (*end || campaign <= 0))
		return command_usage(&command_check, "`%s` is no campaign's number.",
		    a->values[CAMPAIGN]);
	if (app_open(a->mem, a->config, "check", APP_DB, &app) != OK)
		return 1;
	if (thing == EVENTS)
		return check_events(a, app, campaign);
	return thing == PEOPLE ? check_people(a, app) : check_ledger(a, app, campaign);
}

const struct command command_check = {
	.name = "check",
	.usage = "ledger|people|events",
	.summary = "Looks whether everything that was sent is accounted for.",
	.more = "ledger: recounts the ledger of each campaign, its attempts and its\n"
		"report. people: counts the people of each brand, of its lists and\n"
		"with its tags, and compares with the numbers that pages show.\n"
		"events: recounts opens and clicks, compares with what reports show,\n"
		"and the numbers of a report with each other.\n"
		"Prints what does not add up, in words. It only reads, and may run\n"
		"while mail is being sent. The exit status is 1 if something does\n"
		"not add up.\n",
	.options = { { "campaign", "NUMBER", "this campaign only; otherwise all" },
	    { "json", NULL, "events: {\"events\": n, \"wrong\": n, \"older\": n}" } },
	.run = run,
};
