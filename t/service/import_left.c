/* What files say of who may be mailed, and that nobody who left comes back by one. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "importtest.h"
#include "repo/people_count.h"
#include "repo/subscriber.h"
#include "service/import_status.h"
#include "service/subscriber.h"
#include "tap.h"

/* ---- who left ---- */

static void leavers(struct dbtest *t)
{
	int64_t id;

	it_set_up(t);
	it_imported(t,
	    "email,first_name,status,tags\nan@x.example,An,active,a\nbo@x.example,Bo,"
	    "unsubscribed,b\ncy@x.example,,bounced,\nda@x.example,,complained,\n"
	    "ed@x.example,,unconfirmed,\n",
	    "{\"lists\":[1]}", "done 5: 2 0 0 0 0 left 3", "our own export");
	is_int(it_count(t, "subscribers WHERE status = 'active'"), 1,
	    "one may be mailed");
	is_int(it_count(t, "subscribers WHERE status = 'unconfirmed'"), 1,
	    "one not yet");
	is_int(it_count(t,
		   "subscribers s JOIN suppressions x ON x.email_key = s.email_key"
		   " AND x.reason = s.status"),
	    3, "three are suppressed, for the reason they have as subscribers");
	is_int(it_count(t,
		   "consents c JOIN subscribers s ON s.id = c.subscriber_id WHERE"
		   " c.action = CASE WHEN s.status IN ('active', 'unconfirmed')"
		   " THEN 'subscribed' ELSE s.status END"),
	    5, "the history says how each came or left");
	is_int(it_count(t, "list_subscribers"), 2, "who left is on no list");
	is_int(it_count(t, "subscriber_tags"), 2, "what is known of them is kept");

	id = it_imported(t,
	    "email,status,first_name\nbo@x.example,active,Bob\ncy@x.example,subscribed,"
	    "C\n"
	    "an@x.example,Abgemeldet,A\nda@x.example,unsubscribed,D\n"
	    "cy@x.example,complained,C\n",
	    NULL, "done 5: 0 0 1 2 0 left 2", "a word of a file brings nobody back");
	ok(it_has_refusal(t, id, 1, "suppressed") &&
		it_has_refusal(t, id, 2, "suppressed"),
	    "and that is told");
	is_int(it_count(t, "subscribers WHERE status = 'active'"), 0,
	    "An left by a row");
	is_int(it_count(t, "subscribers WHERE status = 'complained'"), 2,
	    "a complaint is graver than a bounce");
	is_int(it_count(t, "suppressions WHERE reason = 'complained'"), 2,
	    "there as well");
	is_int(it_count(t, "subscribers WHERE first_name = 'Bob'"), 0,
	    "nothing changes");

	it_imported(t,
	    "email,status\nfe@x.example,active\nfe@x.example,opted out\n"
	    "ga@x.example,unsubscribed\nga@x.example,active\n",
	    NULL, "done 4: 1 0 0 1 0 left 2", "of two rows the graver counts");
	is_int(it_count(t, "subscribers WHERE status = 'active'"), 0, "in any order");

	dbtest_script(t->db,
	    "DELETE FROM subscribers WHERE email_key = 'bo@x.example'");
	it_imported(t, "email,status\nbo@x.example,active\n", NULL, "done 1: 0 0 0 1 0",
	    "who was deleted stays suppressed");
	it_imported(t, "email,status\nbo@x.example,unsubscribed\n", NULL,
	    "done 1: 0 0 1 0 0", "also if the file knows it");
	is_int(it_count(t, "subscribers WHERE email_key = 'bo@x.example'"), 0,
	    "nobody is made of it");
}

static void services(struct dbtest *t)
{
	it_set_up(t);
	it_imported(t,
	    "CONTACT ID;EMAIL;VORNAME;BLOCKLISTED;ADDED_TIME\n7;an@x.example;An;FALSE;"
	    "03-02-2023 10:11:12\n8;bo@x.example;Bo;TRUE;03-02-2023 10:11:12\n",
	    NULL, "done 2: 1 0 0 0 0 left 1", "Brevo");
	it_imported(t,
	    "Email Address,UNSUB_TIME\ncy@x.example,2022-02-02 "
	    "10:00:00\nda@x.example,\n",
	    NULL, "done 2: 1 0 0 0 0 left 1", "Mailchimp");
	it_imported(t,
	    "Email,Unsubscribed from all email,Opted out of email: News\n"
	    "ed@x.example,true,\nfe@x.example,,Yes\nga@x.example,No,No\n",
	    NULL, "done 3: 1 0 0 0 0 left 2", "HubSpot, with several such columns");
	it_imported(t,
	    "email,Kontaktart\nha@x.example,abgemeldet\nia@x.example,aktiv\n", NULL,
	    "done 2: 1 0 0 0 0 left 1", "a column of any name with such words");
	it_imported(t, "email,State\nja@x.example,CA\nka@x.example,NY\n", NULL,
	    "done 2: 2 0 0 0 0", "California is no status");
	it_imported(t, "email\nla@x.example\n", "{\"status\":\"unsubscribed\"}",
	    "done 1: 0 0 0 0 0 left 1", "a status for all rows");
	it_imported(t, "email\nma@x.example\nda@x.example\n",
	    "{\"status\":\"manual\",\"suppress_only\":true}",
	    "done 2: 0 0 0 0 0 left 2", "addresses to be stopped only");
	is_int(it_count(t, "subscribers WHERE email_key = 'ma@x.example'"), 0,
	    "make no subscriber");
	is_int(it_count(t, "suppressions WHERE reason = 'manual'"), 3,
	    "and are suppressed");
	is_int(it_count(t,
		   "subscribers WHERE status = 'active' AND email_key IN"
		   " (SELECT email_key FROM suppressions)"),
	    0, "and nobody suppressed is active");
}

static void not_started(struct dbtest *t, const char *csv, const char *json,
    const char *at, const char *part)
{
	struct form *f = it_upload(t->mem, csv, strlen(csv), json);
	struct import *i;

	ok(import_create(t->db, t->mem, &it_api, f, &i) == ERR_INVALID &&
		form_error(f, at) && strstr(form_error(f, at), part),
	    "import_create asks at %s: %s", at,
	    form_error(f, at) ? form_error(f, at) : "nothing");
}

static void questions(struct dbtest *t)
{
	const char *csv = "email,status\nan@x.example,gold\nbo@x.example,gold\n"
			  "cy@x.example,unsubscribed\nda@x.example,active\n";

	it_set_up(t);
	not_started(t, csv, "{\"mapping\":{\"email\":\"email\"}}", "mapping",
	    "“status” says who may not be mailed");
	not_started(t, csv, NULL, "status_words", "“gold” (2)");
	not_started(t, csv, "{\"status_words\":{\"gold\":\"silver\"}}", "status_words",
	    "“silver” is no status");
	not_started(t, csv, "{\"status_words\":7}", "status_words", "object");
	not_started(t, csv, "{\"status\":\"gone\"}", "status", "“gone” is no status");
	is_int(it_count(t, "imports"), 0, "nothing was begun");
	it_imported(t, csv, "{\"status_words\":{\"gold\":\"refuse\"}}",
	    "done 4: 1 0 0 0 2 left 1", "words to be refused are refused");
	it_imported(t, csv, "{\"status_words\":{\"gold\":\"active\"}}",
	    "done 4: 2 0 2 0 0", "words that were explained are read");
	it_imported(t, csv, "{\"mapping\":{\"email\":\"email\",\"status\":\"\"}}",
	    "done 4: 0 0 3 1 0", "a column may be left out expressly");
	is_int(it_count(t, "imports WHERE format LIKE '%gold%' AND state <> 'done'"), 0,
	    "no value of a file is kept");
}

/* ---- random histories ---- */

enum { PEOPLE = 6, STEPS = 15, HISTORIES = 60 };

static const char *address(struct dbtest *t, int who)
{
	return mem_printf(t->mem, "p%d@x.example", who);
}

/* Any file, with any words, of a few people. */
static void random_import(struct dbtest *t, unsigned *seed, bool left[PEOPLE])
{
	static const char *const words[] = { "active", "", "unsubscribed", "bounced",
		"complained", "unconfirmed", "subscribed", "blocklisted" };
	static const char *const existing[] = { "update", "fill", "leave" };
	struct buf *b = buf_new(t->mem);
	struct form *f;
	struct import *i;

	buf_str(b, "email,status,first_name\n");
	for (int n = rand_r(seed) % 4 + 1; n > 0; n--) {
		int who = rand_r(seed) % PEOPLE;
		const char *word = words[rand_r(seed) % 8];

		left[who] |= import_status_leaves(
		    import_status_read((struct status_meaning){ .kind = STATUS_WORDS },
			word));
		buf_printf(b, "%s,%s,N%d\n", address(t, who), word, n);
	}
	f = it_upload(t->mem, b->data, b->len,
	    mem_printf(t->mem, "{\"existing\":\"%s\",\"lists\":[1]}",
		existing[rand_r(seed) % 3]));
	if (import_create(t->db, t->mem, &it_api, f, &i) != OK)
		ok(false, "a random file is taken: %s", b->data);
	else
		it_works(t);
}

static void random_step(struct dbtest *t, unsigned *seed, bool left[PEOPLE])
{
	const struct origin o = { .source = "api", .ip = "", .now = 2000 };
	int who = rand_r(seed) % PEOPLE;
	struct form *f = form_new(t->mem);
	struct subscriber *s;
	bool here = subscriber_get_by_key(t->db, t->mem, 1, address(t, who), &s) == OK;
	enum subscriber_status to =
	    rand_r(seed) % 2 ? SUBSCRIBER_BOUNCED : SUBSCRIBER_COMPLAINED;
	enum err e = OK;

	switch (rand_r(seed) % 6) {
	case 0:
		form_add(f, "email", address(t, who));
		e = subscriber_create(t->db, t->mem, 1, f, &o, &s);
		break;
	case 1:
		left[who] |= here;
		if (here)
			e = subscriber_unsubscribe(t->db, 1, s->id, &o, NULL);
		break;
	case 2:
		left[who] |= here;
		if (here)
			e = subscriber_stop(t->db, 1, s->id, to, &o, NULL);
		break;
	case 3:
		if (here)
			e = subscriber_remove(t->db, 1, s->id);
		break;
	default: random_import(t, seed, left); break;
	}
	if (e != OK && e != ERR_INVALID && e != ERR_CONFLICT)
		ok(false, "a random step ends with %s", err_name(e));
}

/*
 * Who left, by whatever way, is not active, whoever is suppressed is not either, and
 * people are counted right.
 */
static bool holds(struct dbtest *t, const bool left[PEOPLE])
{
	struct people_fault *faults;
	struct subscriber *s;
	size_t n = 1;

	if (people_check(t->db, t->mem, &faults, &n) != OK || n > 0) {
		diag("%s “%s” is told as %lld and found as %lld", faults->kind,
		    faults->item, (long long)faults->told, (long long)faults->found);
		return false;
	}
	for (int who = 0; who < PEOPLE; who++)
		if (left[who] &&
		    subscriber_get_by_key(t->db, t->mem, 1, address(t, who), &s) ==
			OK &&
		    s->status < SUBSCRIBER_UNSUBSCRIBED)
			return false;
	return it_count(t,
		   "subscribers s JOIN suppressions x ON x.brand_id = s.brand_id"
		   " AND x.email_key = s.email_key"
		   " WHERE s.status IN ('active', 'unconfirmed')") == 0;
}

static void histories(struct dbtest *t)
{
	const char *many = getenv("HISTORIES");
	int all = many ? atoi(many) : HISTORIES, broken = 0;

	it_set_up(t);
	for (int n = 1; n <= all; n++) {
		MEM_SCOPE void *tmp = mem_scope(NULL, "history");
		struct dbtest one = *t;
		unsigned seed = (unsigned)n;
		bool left[PEOPLE] = { false };

		one.mem = tmp;
		dbtest_script(t->db,
		    "DELETE FROM subscribers; DELETE FROM suppressions;"
		    " DELETE FROM people_counts");
		for (int k = 0; k < STEPS; k++)
			random_step(&one, &seed, left);
		if (!holds(&one, left)) {
			diag("history %d brings somebody back", n);
			broken++;
		}
	}
	is_int(broken, 0, "in %d random histories nobody who left is active", all);
}

int main(void)
{
	dbtest_run(leavers);
	dbtest_run(services);
	dbtest_run(questions);
	dbtest_run(histories);
	return done_testing();
}
