#include "service/subscriber.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "dbtest.h"
#include "repo/consent.h"
#include "repo/subscriber.h"
#include "repo/suppression.h"
#include "tap.h"

static const struct origin page = { .source = "page", .ip = "192.0.2.1", .now = 1000 };

static struct form *form(void *mem, const char *json)
{
	struct form *f = form_new(mem);
	struct json_object *o = NULL;

	ok(json_read(mem, json, strlen(json), &o, NULL) == OK, "the form is JSON");
	form_set_json(f, o);
	return f;
}

static void set_up(struct dbtest *t)
{
	dbtest_script(t->db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (1, 'B', 'h1', 1, 1), (2, 'C', 'h2', 1, 1);"
	    "INSERT INTO lists (id, brand_id, name, created_at, updated_at)"
	    " VALUES (1, 1, 'News', 1, 1), (2, 1, 'School', 1, 1), (3, 2, 'Other', 1, "
	    "1);"
	    "INSERT INTO fields (brand_id, key, label, type, choices, created_at)"
	    " VALUES (1, 'city', 'City', 'text', '[]', 1), (1, 'bags', 'Bags', "
	    "'number', '[]', 1)");
}

static struct subscriber *made(struct dbtest *t, const char *json)
{
	struct subscriber *s = NULL;
	struct form *f = form(t->mem, json);

	ok(subscriber_create(t->db, t->mem, 1, f, &page, &s) == OK,
	    "subscriber_create makes %s (%s)", json,
	    json_object_to_json_string(form_errors(f)));
	return s;
}

static void refused(struct dbtest *t, const char *json, const char *at,
    const char *part)
{
	struct form *f = form(t->mem, json);
	struct subscriber *s;
	enum err e = subscriber_create(t->db, t->mem, 1, f, &page, &s);

	ok(e == ERR_INVALID || e == ERR_CONFLICT, "subscriber_create refuses %s", json);
	ok(form_error(f, at) && strstr(form_error(f, at), part),
	    "says \"%s\" at %s (%s)", part, at,
	    form_error(f, at) ? form_error(f, at) : "nothing");
}

static void creating(struct dbtest *t)
{
	struct subscriber *s;
	int64_t *lists;
	size_t n;

	set_up(t);
	s = made(t,
	    "{\"email\":\" Maja@BÜCHER.example\",\"first_name\":\"Maja\",\"fields\":"
	    "{\"city\":\"Köln\",\"bags\":3},\"tags\":\"vip; linden, "
	    "vip\",\"lists\":[1,2]}");
	is_text(s->email_key, "maja@xn--bcher-kva.example",
	    "keyed by lower case and IDNA");
	ok(subscriber_get(t->db, t->mem, 1, s->id, &s) == OK,
	    "subscriber_get finds it");
	is_text(s->email, "Maja@bücher.example", "with the address as shown");
	is_text(json_text(s->custom, "city", ""), "Köln", "with its fields");
	is_int(json_int(s->custom, "bags", 0), 3, "typed");
	is_int((int64_t)json_object_array_length(s->tags), 2, "and each tag once");
	ok(subscriber_lists(t->db, t->mem, 1, s->id, &lists, &n) == OK && n == 2,
	    "on two lists");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM consents WHERE action = 'subscribed'"
		   " AND source = 'page' AND ip = '192.0.2.1'"),
	    1, "and a consent says how");
	ok(subscriber_get(t->db, t->mem, 2, s->id, &s) == ERR_NOTFOUND,
	    "not in another brand");

	refused(t, "{\"email\":\"maja@xn--bcher-kva.EXAMPLE\"}", "email",
	    "here already");
	refused(t, "{\"email\":\"maja\"}", "email", "no @");
	refused(t, "{}", "email", "Type an email");
	refused(t, "{\"email\":\"a@b.example\",\"fields\":{\"bags\":\"many\"}}",
	    "fields.bags", "not a number");
	refused(t, "{\"email\":\"a@b.example\",\"fields\":{\"shoe\":1}}", "fields.shoe",
	    "no field");
	refused(t, "{\"email\":\"a@b.example\",\"fields\":7}", "fields", "object");
	refused(t, "{\"email\":\"a@b.example\",\"lists\":[3]}", "lists", "no list 3");
	refused(t, "{\"email\":\"a@b.example\",\"status\":\"bounced\"}", "status",
	    "Only a bounce");
	refused(t, "{\"email\":\"a@b.example\",\"status\":\"gone\"}", "status", "");
	refused(t, "{\"email\":\"a@b.example\",\"tags\":[\"a\\nb\"]}", "tags",
	    "one line");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM subscribers"), 1,
	    "what is refused leaves nothing");
}

static void leaving(struct dbtest *t)
{
	const struct origin link = { .source = "link", .campaign = 7, .now = 2000 };
	struct subscriber *s, *again;
	struct suppression *x;
	bool changed = false;

	set_up(t);
	s = made(t, "{\"email\":\"maja@fjord.example\",\"lists\":[1]}");
	dbtest_script(t->db,
	    "INSERT INTO campaigns (id, brand_id, name, created_at, updated_at)"
	    " VALUES (7, 1, 'C', 1, 1);"
	    "INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id,"
	    " email_key) SELECT (CAST(7 AS BIGINT) << 32) + id, 7, id, email_key"
	    " FROM subscribers");
	ok(subscriber_unsubscribe(t->db, 1, s->id, &link, &changed) == OK && changed,
	    "subscriber_unsubscribe takes one out");
	ok(subscriber_get(t->db, t->mem, 1, s->id, &again) == OK &&
		again->status == SUBSCRIBER_UNSUBSCRIBED,
	    "sets the status");
	ok(suppression_get(t->db, t->mem, 1, "maja@fjord.example", &x) == OK,
	    "suppresses the address");
	is_text(x->reason, "unsubscribed", "with the reason");
	is_int(dbtest_int(t->db, "SELECT unsubscribed FROM campaign_stats"), 1,
	    "counted once");
	is_int(dbtest_int(t->db, "SELECT unsubscribed_at FROM campaign_subscribers"),
	    2000, "and marks the delivery");
	ok(subscriber_unsubscribe(t->db, 1, s->id, &link, &changed) == OK && !changed,
	    "twice is once");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM consents WHERE action = 'unsubscribed'"
		   " AND campaign_id = 7"),
	    1, "and is in the history once");
	ok(subscriber_unsubscribe(t->db, 2, s->id, &link, NULL) == ERR_NOTFOUND,
	    "not from another brand");

	ok(subscriber_remove(t->db, 1, s->id) == OK,
	    "subscriber_remove takes the person away");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM subscribers"), 0, "the row");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM suppressions"), 1,
	    "not the suppression");
	refused(t, "{\"email\":\"MAJA@fjord.example\"}", "email",
	    "unsubscribed on 1 Jan 1970");
	s = made(t, "{\"email\":\"maja@fjord.example\",\"status\":\"unsubscribed\"}");
	ok(s->status == SUBSCRIBER_UNSUBSCRIBED,
	    "who left may come in as one who left");
}

static void coming_back(struct dbtest *t)
{
	const struct origin later = { .source = "page",
		.ip = "",
		.now = page.now + RETURN_MS + 1 };
	struct mailed m;
	struct subscriber *s;
	struct form *f;
	bool changed;

	set_up(t);
	s = made(t, "{\"email\":\"maja@fjord.example\"}");
	ok(subscriber_change(t->db, t->mem, s,
	       form(t->mem, "{\"status\":\"unsubscribed\"}"), &page) == OK,
	    "subscriber_change unsubscribes");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM suppressions"), 1,
	    "with all that belongs to it");
	ok(subscriber_get(t->db, t->mem, 1, s->id, &s) == OK, "is there");
	f = form(t->mem, "{\"status\":\"active\"}");
	ok(subscriber_change(t->db, t->mem, s, f, &page) == ERR_INVALID,
	    "it brings nobody back");
	ok(form_error(f, "status") && strstr(form_error(f, "status"), "administrator"),
	    "and says why");
	m = (struct mailed){ .brand_id = 1,
		.subscriber_id = s->id,
		.email_key = s->email_key };
	ok(subscriber_return(t->db, &m, &page) == ERR_CONFLICT,
	    "nor does the link of a mail that they did not leave with");
	m.left_at = page.now;
	ok(subscriber_return(t->db, &m, &later) == ERR_CONFLICT,
	    "nor that of the mail they left with, a day later");
	ok(subscriber_return(t->db, &m, &page) == OK, "on the same day it does");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM suppressions"), 0,
	    "lifts the suppression");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM subscribers WHERE status = 'active'"),
	    1, "makes active");
	ok(subscriber_stop(t->db, 1, s->id, SUBSCRIBER_BOUNCED, &page, &changed) ==
		    OK &&
		changed,
	    "subscriber_stop stops");
	ok(subscriber_return(t->db, &m, &page) == ERR_CONFLICT,
	    "a bounce is not undone by the person");
	ok(subscriber_stop(t->db, 1, s->id, SUBSCRIBER_COMPLAINED, &page, &changed) ==
		    OK &&
		changed,
	    "a complaint outweighs a bounce");
	ok(subscriber_stop(t->db, 1, s->id, SUBSCRIBER_BOUNCED, &page, &changed) ==
		    OK &&
		!changed,
	    "not the other way");
}

/* A subscriber who got the mail of campaign 7. */
static struct subscriber *mailed_one(struct dbtest *t)
{
	struct subscriber *s;

	set_up(t);
	s = made(t, "{\"email\":\"maja@fjord.example\",\"lists\":[1]}");
	dbtest_script(t->db,
	    "INSERT INTO campaigns (id, brand_id, name, created_at, updated_at)"
	    " VALUES (7, 1, 'C', 1, 1);"
	    "INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id, email,"
	    " email_key) SELECT 30064771073, 7, id, email, email_key FROM subscribers");
	return s;
}

static bool suppressed(struct dbtest *t, const char *key)
{
	struct suppression *x;

	return suppression_get(t->db, t->mem, 1, key, &x) == OK;
}

static const char *status_of(struct dbtest *t, const char *key)
{
	struct subscriber *s;

	return subscriber_get_by_key(t->db, t->mem, 1, key, &s) == OK
	    ? subscriber_status_name(s->status)
	    : "nobody";
}

/* Whatever became of the subscriber, the address that got the mail gets no more. */
static void leaving_by_mail(struct dbtest *t)
{
	const struct origin o = { .source = "one-click", .campaign = 7, .now = 2000 };
	struct subscriber *s = mailed_one(t);
	struct mailed *m;

	ok(subscriber_mailed(t->db, t->mem, 8, s->id, &m) == ERR_NOTFOUND,
	    "subscriber_mailed knows no mail of another campaign");
	ok(subscriber_remove(t->db, 1, s->id) == OK, "a subscriber is deleted");
	made(t, "{\"email\":\"ben@fjord.example\",\"lists\":[1]}");
	ok(subscriber_mailed(t->db, t->mem, 7, s->id, &m) == OK, "the mail is known");
	is_text(m->email_key, "maja@fjord.example", "with the address that got it");
	ok(subscriber_leave_by_mail(t->db, m, &o) == OK, "its link unsubscribes");
	ok(suppressed(t, "maja@fjord.example"), "that address is suppressed");
	is_text(status_of(t, "ben@fjord.example"), "active",
	    "nobody else leaves by it");
	refused(t, "{\"email\":\"maja@fjord.example\"}", "email", "unsubscribed on");
	ok(subscriber_leave_by_mail(t->db, m, &o) == OK, "once more is nothing");
	is_int(dbtest_int(t->db, "SELECT unsubscribed FROM campaign_stats"), 1,
	    "counted once");
}

static void leaving_after_a_change(struct dbtest *t)
{
	const struct origin o = { .source = "one-click", .campaign = 7, .now = 2000 };
	struct subscriber *s = mailed_one(t);
	struct form *f;
	struct mailed *m;

	ok(subscriber_change(t->db, t->mem, s,
	       form(t->mem, "{\"email\":\"new@fjord.example\"}"), &page) == OK,
	    "a subscriber gets another address");
	made(t, "{\"email\":\"maja@fjord.example\"}");
	ok(subscriber_mailed(t->db, t->mem, 7, s->id, &m) == OK, "the mail is known");
	ok(subscriber_leave_by_mail(t->db, m, &o) == OK, "its link unsubscribes");
	ok(suppressed(t, "maja@fjord.example"), "the address that got it");
	is_text(status_of(t, "maja@fjord.example"), "unsubscribed", "who has it now");
	is_text(status_of(t, "new@fjord.example"), "unsubscribed",
	    "and the person whose mail it was");

	/* the ways back that an editor might try */
	ok(subscriber_get(t->db, t->mem, 1, s->id, &s) == OK, "is there");
	f = form(t->mem, "{\"email\":\"third@fjord.example\",\"status\":\"active\"}");
	ok(subscriber_change(t->db, t->mem, s, f, &page) == ERR_INVALID &&
		form_error(f, "status"),
	    "no other address and status at once");
	ok(subscriber_get(t->db, t->mem, 1, s->id, &s) == OK, "is there");
	ok(subscriber_change(t->db, t->mem, s,
	       form(t->mem, "{\"email\":\"third@fjord.example\"}"), &page) == OK,
	    "another address alone is stored");
	f = form(t->mem, "{\"status\":\"active\"}");
	ok(subscriber_change(t->db, t->mem, s, f, &page) == ERR_INVALID &&
		form_error(f, "status"),
	    "then the status is refused");
	is_text(status_of(t, "third@fjord.example"), "unsubscribed",
	    "who left is gone");
}

static void changing(struct dbtest *t)
{
	struct subscriber *s;
	struct form *f;
	size_t n;
	int64_t *lists;

	set_up(t);
	made(t, "{\"email\":\"yusuf@bluebox.example\"}");
	s = made(t,
	    "{\"email\":\"maja@fjord.example\",\"first_name\":\"Maja\","
	    "\"fields\":{\"city\":\"Köln\",\"bags\":3},\"tags\":[\"a\"],\"lists\":[1]"
	    "}");
	f = form(t->mem,
	    "{\"last_name\":\"Lind\",\"fields\":{\"bags\":null},\"lists\":[2]}");
	ok(subscriber_change(t->db, t->mem, s, f, &page) == OK,
	    "subscriber_change changes");
	ok(subscriber_get(t->db, t->mem, 1, s->id, &s) == OK, "is there");
	is_text(s->first_name, "Maja", "what the form has not stays");
	is_text(s->last_name, "Lind", "what it has is changed");
	is_text(json_object_to_json_string_ext(s->custom, JSON_C_TO_STRING_PLAIN),
	    "{\"city\":\"Köln\"}", "a null takes a value away");
	is_int((int64_t)json_object_array_length(s->tags), 1, "tags stay");
	ok(subscriber_lists(t->db, t->mem, 1, s->id, &lists, &n) == OK && n == 1 &&
		lists[0] == 2,
	    "lists are replaced");
	f = form(t->mem, "{\"email\":\"YUSUF@bluebox.example\"}");
	ok(subscriber_change(t->db, t->mem, s, f, &page) == ERR_CONFLICT,
	    "not to another's address");
}

static void people(struct dbtest *t)
{
	set_up(t);
	dbtest_script(t->db,
	    "INSERT INTO subscribers (id, brand_id, email, email_key, status,"
	    " first_name, last_name, created_at, updated_at) VALUES"
	    " (1, 1, 'anna@x.example', 'anna@x.example', 'active', 'Anna', 'Berg',"
	    "  1, 1),"
	    " (2, 1, 'bo@x.example', 'bo@x.example', 'unsubscribed', 'Bo', 'Ander',"
	    "  1, 1),"
	    " (3, 1, 'carl@x.example', 'carl@x.example', 'active', 'An%a', 'Dahl',"
	    "  1, 1),"
	    " (4, 2, 'anna@x.example', 'anna@x.example', 'active', 'Anna', 'Berg',"
	    "  1, 1);"
	    "INSERT INTO list_subscribers VALUES (1, 1, 1), (1, 2, 1), (2, 3, 1);"
	    "INSERT INTO subscriber_tags VALUES (1, 1, 'vip'), (3, 1, 'vip'),"
	    " (3, 1, 'new')");
	dbtest_count_people(t->db);
}

/* The page of a filter has these ids ("3 2"). */
static void gives(struct dbtest *t, struct subscriber_filter q, const char *want,
    const char *name)
{
	struct buf *ids = buf_new(t->mem);
	struct subscriber *p;
	size_t n = 0;

	q.brand = 1;
	if (!q.limit)
		q.limit = 9;
	ok(subscriber_page(t->db, t->mem, &q, &p, &n) == OK, "subscriber_page works");
	for (size_t i = 0; i < n; i++)
		buf_printf(ids, "%s%lld", i ? " " : "", (long long)p[i].id);
	is_text(ids->data, want, "%s", name);
}

static void paging(struct dbtest *t)
{
	people(t);
	gives(t, (struct subscriber_filter){ .status = -1, .limit = 2 }, "3 2",
	    "the newest first");
	gives(t, (struct subscriber_filter){ .status = -1, .before = 2 }, "1",
	    "then the older");
	gives(t, (struct subscriber_filter){ .status = SUBSCRIBER_ACTIVE }, "3 1",
	    "filters by status");
	gives(t, (struct subscriber_filter){ .status = -1, .list = 1 }, "2 1",
	    "by list");
	gives(t, (struct subscriber_filter){ .status = -1, .list = 1, .tag = "vip" },
	    "1", "by list and tag");
	gives(t, (struct subscriber_filter){ .status = -1, .tag = "vip" }, "3 1",
	    "by tag");
	gives(t, (struct subscriber_filter){ .status = -1, .search = "AN" }, "3 2 1",
	    "finds address and both names");
	gives(t, (struct subscriber_filter){ .status = -1, .search = "anna b" }, "1",
	    "finds a whole name");
	gives(t, (struct subscriber_filter){ .status = -1, .search = "an%" }, "3",
	    "takes % as itself");
	gives(t, (struct subscriber_filter){ .status = -1, .search = "bo@" }, "2",
	    "finds the start of an address");
	gives(t,
	    (struct subscriber_filter){ .list = 2,
		.tag = "new",
		.before = 100,
		.search = "c" },
	    "3", "all of it at once");
}

static void reading(struct dbtest *t)
{
	int64_t counts[5], ids[] = { 3, 1, 99 };
	struct subscriber *p;

	people(t);
	ok(subscriber_counts(t->db, 1, counts) == OK && counts[0] == 2 &&
		counts[2] == 1,
	    "subscriber_counts counts by status");
	ok(subscriber_many(t->db, t->mem, 1, ids, 3, &p) == OK && p[1].id == 3 &&
		p[2].id == 0,
	    "subscriber_many gives those there are");
	is_int((int64_t)json_object_array_length(p[1].tags), 2, "with all their tags");
}

int main(void)
{
	dbtest_run(creating);
	dbtest_run(leaving);
	dbtest_run(coming_back);
	dbtest_run(leaving_by_mail);
	dbtest_run(leaving_after_a_change);
	dbtest_run(changing);
	dbtest_run(paging);
	dbtest_run(reading);
	return done_testing();
}
