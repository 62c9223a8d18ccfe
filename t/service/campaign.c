#include "service/campaign.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "dbtest.h"
#include "repo/brand.h"
#include "repo/ledger.h"
#include "tap.h"

enum { NOW = 1000000 };

static const char world[] =
    "INSERT INTO brands (id, name, from_name, from_email, hook_token, created_at, "
    "updated_at)"
    " VALUES (1, 'One', 'The One', 'one@x.de', 'h1', 1, 1), (2, 'Two', '', '', 'h2', "
    "1, 1);"
    "INSERT INTO lists (id, brand_id, name, created_at, updated_at) VALUES"
    " (1, 1, 'News', 1, 1), (2, 1, 'Brew', 1, 1), (3, 2, 'Other', 1, 1);"
    "INSERT INTO subscribers (id, brand_id, email, email_key, status, created_at, "
    "updated_at)"
    " VALUES (1, 1, 'a@x.de', 'a@x.de', 'active', 1, 1), (2, 1, 'b@x.de', 'b@x.de', "
    "'active', 1, 1);"
    "INSERT INTO list_subscribers (list_id, subscriber_id, created_at) VALUES"
    " (1, 1, 1), (1, 2, 1), (2, 2, 1);";

static const struct brand *brand(struct dbtest *t)
{
	struct brand *b;

	dbtest_script(t->db, world);
	is_int(brand_get(t->db, t->mem, 1, &b), OK, "there is a brand");
	return b;
}

static struct form *form(struct dbtest *t, const char *json)
{
	struct form *f = form_new(t->mem);
	struct json_object *o;
	const char *why;

	if (json_read(t->mem, json, strlen(json), &o, &why) == OK)
		form_set_json(f, o);
	return f;
}

static struct campaign *made(struct dbtest *t, const struct brand *b, const char *json)
{
	struct campaign *c = NULL;

	is_int(campaign_create(t->db, b, 0, NOW, form(t, json), &c), OK,
	    "campaign_create takes %s", json);
	return c;
}

static void test_create(struct dbtest *t)
{
	const struct brand *b = brand(t);
	struct campaign *c =
	    made(t, b, "{\"name\":\" First \",\"lists\":[1,2],\"html\":\"{{ oops\"}");
	struct form *f;

	is_text(c->name, "First", "trims the name");
	is_text(c->from_email, "one@x.de", "takes the brand's sender");
	is_int((int64_t)c->nlists, 2, "takes the lists");
	is_text(c->html, "{{ oops", "keeps a template that is not right yet");
	ok(c->track_opens && c->on_doubt == DOUBT_HOLD,
	    "counts opens and holds doubts by default");
	f = form(t, "{\"subject\":\"x\"}");
	is_int(campaign_create(t->db, b, 0, NOW, f, &c), ERR_INVALID, "wants a name");
	ok(form_error(f, "name") != NULL, "and says so at the field");
	f = form(t, "{\"name\":\"x\",\"lists\":[3]}");
	is_int(campaign_create(t->db, b, 0, NOW, f, &c), ERR_INVALID,
	    "refuses a list of another brand");
	ok(form_error(f, "lists") != NULL, "and says so at the field");
	f = form(t, "{\"name\":\"x\",\"lists\":[1],\"exclude_lists\":[1]}");
	is_int(campaign_create(t->db, b, 0, NOW, f, &c), ERR_INVALID,
	    "refuses a list on both sides");
	f = form(t, "{\"name\":\"x\",\"from_email\":\"nobody\"}");
	is_int(campaign_create(t->db, b, 0, NOW, f, &c), ERR_INVALID,
	    "refuses a sender that is no address");
	f = form(t, "{\"name\":\"x\",\"subject\":\"a\\nBcc: b@x.de\"}");
	is_int(campaign_create(t->db, b, 0, NOW, f, &c), ERR_INVALID,
	    "refuses a line break in the subject");
	f = form(t, "{\"name\":\"x\",\"segments\":[7]}");
	is_int(campaign_create(t->db, b, 0, NOW, f, &c), ERR_INVALID,
	    "refuses a segment that is not there");
}

static void test_change(struct dbtest *t)
{
	const struct brand *b = brand(t);
	struct campaign *c = made(t, b,
			    "{\"name\":\"A\",\"subject\":\"S\",\"lists\":[1]}"),
			*copy;
	struct form *f = form(t, "{\"subject\":\"T\",\"version\":1}");

	is_int(campaign_change(t->db, c, NOW + 1, f), OK, "campaign_change changes");
	is_text(c->subject, "T", "what is in the form");
	is_text(c->name, "A", "and nothing else");
	is_int((int64_t)c->nlists, 1, "the audience neither");
	f = form(t, "{\"subject\":\"U\",\"version\":1}");
	is_int(campaign_change(t->db, c, NOW + 2, f), ERR_CONFLICT,
	    "refuses an old version");
	ok(form_error(f, "version") != NULL, "with a sentence");
	f = form(t, "{\"lists\":\"\"}");
	is_int(campaign_change(t->db, c, NOW + 3, f), OK, "takes an empty choice");
	is_int((int64_t)c->nlists, 0, "as none");
	is_int(campaign_copy(t->db, t->mem, c, 0, NOW + 4, &copy), OK,
	    "campaign_copy copies");
	is_text(copy->name, "A (copy)", "and says so in the name");
	is_int(copy->status, CAMPAIGN_DRAFT, "as a draft");
	is_text(copy->subject, "T", "with the content");
	is_int(campaign_remove(t->db, copy, form(t, "{}")), OK,
	    "campaign_remove removes a draft");
}

static void test_long_copy(struct dbtest *t)
{
	const struct brand *b = brand(t);
	struct campaign *c, *copy;
	char name[CAMPAIGN_NAME_MAX * 2 + 1];
	struct form *f = form_new(t->mem);
	int i;

	for (i = 0; i < CAMPAIGN_NAME_MAX; i++)
		memcpy(name + (size_t)i * 2, "\xc3\xbc", 2);
	name[CAMPAIGN_NAME_MAX * 2] = '\0';
	form_add(f, "name", name);
	is_int(campaign_create(t->db, b, 0, NOW, f, &c), OK,
	    "the longest name is taken");
	is_int(campaign_copy(t->db, t->mem, c, 0, NOW, &copy), OK,
	    "campaign_copy copies it");
	is_int((int64_t)text_length(copy->name), CAMPAIGN_NAME_MAX, "within the limit");
	ok(text_is_utf8(copy->name, strlen(copy->name)),
	    "and cuts no character in two");
}

static struct checklist good = { .reach = 2 };

static void test_send(struct dbtest *t)
{
	const struct brand *b = brand(t);
	struct campaign *c = made(t, b, "{\"name\":\"A\",\"lists\":[1]}"), *second;
	struct check item = { .key = "subject",
		.level = CHECK_BLOCK,
		.title = "The subject is empty.",
		.todo = "Write one." };
	struct checklist bad = { .items = &item, .n = 1, .blocks = 1 };
	struct form *f = form(t, "{}");

	is_int(campaign_send(t->db, c, &bad, NOW, f), ERR_INVALID,
	    "campaign_send refuses what the checklist blocks");
	is_text(form_error(f, "subject"), "The subject is empty. Write one.",
	    "with its sentence");
	is_int(campaign_get(t->db, t->mem, 1, c->id, &second), OK,
	    "a second click reads the draft");
	is_int(campaign_send(t->db, c, &good, NOW, form(t, "{}")), OK,
	    "campaign_send starts");
	is_int(c->status, CAMPAIGN_SENDING, "it is sending");
	is_int(c->started_at, NOW, "from now");
	f = form(t, "{}");
	is_int(campaign_send(t->db, second, &good, NOW + 1, f), ERR_CONFLICT,
	    "campaign_send starts only once, even when both saw the draft");
	ok(form_error(f, "status") != NULL, "with a sentence");
	is_int(campaign_change(t->db, c, NOW, form(t, "{\"subject\":\"late\"}")),
	    ERR_CONFLICT, "campaign_change leaves a running campaign alone");
	is_int(campaign_remove(t->db, c, form(t, "{}")), ERR_CONFLICT,
	    "campaign_remove leaves a running campaign alone");
}

static void test_plan(struct dbtest *t)
{
	const struct brand *b = brand(t);
	struct campaign *c = made(t, b, "{\"name\":\"A\",\"lists\":[1]}");
	struct campaign_time at = { .at = NOW, .zone = "Europe/Berlin" };
	struct form *f = form(t, "{}");

	is_int(campaign_plan(t->db, c, &good, &at, NOW, f), ERR_INVALID,
	    "campaign_plan refuses a time in the past");
	is_text(form_error(f, "send_at"), "Choose a time in the future.",
	    "says so at the field");
	at.at = NOW + INT64_C(800) * 86400000;
	is_int(campaign_plan(t->db, c, &good, &at, NOW, form(t, "{}")), ERR_INVALID,
	    "campaign_plan refuses a time years ahead");
	at.at = 0;
	is_int(campaign_plan(t->db, c, &good, &at, NOW, form(t, "{}")), ERR_INVALID,
	    "campaign_plan wants a time");
	at.at = NOW + 1;
	is_int(campaign_plan(t->db, c, &good, &at, NOW, form(t, "{}")), OK,
	    "campaign_plan plans");
	is_int(c->status, CAMPAIGN_SCHEDULED, "it is scheduled");
	is_int(c->send_at, NOW + 1, "for that time");
	is_text(c->send_zone, "Europe/Berlin", "in that zone");
	is_int(campaign_plan(t->db, c, &good, &at, NOW, form(t, "{}")), ERR_CONFLICT,
	    "campaign_plan plans once");
	is_int(campaign_pause(t->db, c, "x", NOW, form(t, "{}")), ERR_CONFLICT,
	    "campaign_pause has nothing to pause yet");
	is_int(campaign_cancel(t->db, c, NOW, form(t, "{}")), OK,
	    "campaign_cancel unschedules");
	is_int(c->status, CAMPAIGN_DRAFT, "back to a draft");
	is_int(c->send_at, 0, "without a time");
}

static void test_stop(struct dbtest *t)
{
	const struct brand *b = brand(t);
	struct campaign *c = made(t, b, "{\"name\":\"A\",\"lists\":[1]}");
	struct delivery_counts n;
	bool complete = false;

	is_int(campaign_send(t->db, c, &good, NOW, form(t, "{}")), OK, "it is sent");
	is_int(ledger_freeze(t->db, c->id, 100, NOW, &complete), OK, "and frozen");
	is_int(campaign_pause(t->db, c, "Paused by Ines.", NOW + 1, form(t, "{}")), OK,
	    "campaign_pause pauses");
	is_text(c->pause_reason, "Paused by Ines.", "with the reason");
	is_int(campaign_pause(t->db, c, "again", NOW + 1, form(t, "{}")), ERR_CONFLICT,
	    "campaign_pause pauses once");
	is_int(campaign_resume(t->db, c, NOW + 2, form(t, "{}")), OK,
	    "campaign_resume goes on");
	is_int(c->status, CAMPAIGN_SENDING, "it is sending");
	is_text(c->pause_reason, "", "without a reason");
	is_int(campaign_cancel(t->db, c, NOW + 3, form(t, "{}")), OK,
	    "campaign_cancel cancels");
	is_int(c->status, CAMPAIGN_CANCELLED, "for good");
	is_int(ledger_counts(t->db, c->id, &n), OK, "the ledger is counted");
	is_int(n.n[DELIVERY_CANCELLED], 2, "nobody is left open");
	is_int(n.audience, 2, "and the sum is the audience");
	is_int(campaign_resume(t->db, c, NOW + 4, form(t, "{}")), ERR_CONFLICT,
	    "campaign_resume cannot undo it");
	is_int(campaign_cancel(t->db, c, NOW + 4, form(t, "{}")), ERR_CONFLICT,
	    "campaign_cancel cancels once");
}

static void test_json(struct dbtest *t)
{
	const struct brand *b = brand(t);
	struct campaign *c =
	    made(t, b, "{\"name\":\"A\",\"lists\":[1],\"exclude_lists\":[2]}");
	struct delivery_counts n = { .audience = 100 };
	struct json_object *o, *sum;
	size_t i;
	int64_t all = 0;

	is_int(campaign_json(t->db, t->mem, c, &o), OK,
	    "campaign_json gives the campaign");
	is_text(json_text(o, "status", NULL), "draft", "with its status as a word");
	is_int(json_int(json_get(o, "counts"), "audience", -1), 0, "with counts");
	is_int(json_int(json_get(o, "stats"), "opened", -1), 0, "with stats");
	n.n[DELIVERY_ACCEPTED] = 90;
	n.n[DELIVERY_RETRY] = 3;
	n.n[DELIVERY_DOUBT] = 1;
	n.n[DELIVERY_CANCELLED] = 6;
	o = counts_json(t->mem, &n);
	is_int(json_int(o, "left", -1), 3, "counts_json counts a retry as left");
	is_int(json_int(o, "settled", -1), 97, "and the rest as settled");
	sum = sum_json(t->mem, &n);
	for (i = 0; i < json_object_array_length(sum); i++)
		all += json_int(json_object_array_get_idx(sum, i), "value", 0);
	is_int(all, 100, "the terms of sum_json make the audience");
	is_int((int64_t)i, 6, "cancelled is there when not zero, given up is not");
	is_int(campaign_reach(t->db, c, &all), OK, "campaign_reach counts");
	is_int(all, 1, "who is on the list and not on the one left out");
}

int main(void)
{
	dbtest_run(test_create);
	dbtest_run(test_change);
	dbtest_run(test_long_copy);
	dbtest_run(test_send);
	dbtest_run(test_plan);
	dbtest_run(test_stop);
	dbtest_run(test_json);
	return done_testing();
}
