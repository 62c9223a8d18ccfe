#include "service/suppression.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "dbtest.h"
#include "repo/people_count.h"
#include "repo/subscriber.h"
#include "tap.h"

static const struct origin team = { .source = "page", .ip = "192.0.2.1", .now = 5000 };

static void set_up(struct dbtest *t)
{
	dbtest_script(t->db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (1, 'B', 'h1', 1, 1), (2, 'C', 'h2', 1, 1)");
}

static struct form *form_of(struct dbtest *t, const char *json)
{
	struct form *f = form_new(t->mem);
	struct json_object *o;

	if (json_read(t->mem, json, strlen(json), &o, NULL) == OK)
		form_set_json(f, o);
	return f;
}

static int64_t subscribed(struct dbtest *t, const char *email)
{
	struct form *f = form_new(t->mem);
	struct upserted up;

	form_add(f, "email", email);
	return subscriber_upsert(t->db, t->mem, 1, f, &team, &up) == OK ? up.who->id
									: 0;
}

static const char *status_of(struct dbtest *t, const char *key)
{
	struct subscriber *s;

	if (subscriber_get_by_key(t->db, t->mem, 1, key, &s) != OK)
		return "nobody";
	return subscriber_status_name(s->status);
}

static void suppressed(struct dbtest *t, const char *json, int64_t added, int64_t known)
{
	struct suppressed n;

	ok(suppression_make(t->db, t->mem, 1, form_of(t, json), &team, &n) == OK,
	    "suppression_make takes %s", json);
	is_int(n.added, added, "added");
	is_int(n.known, known, "known");
}

static int64_t lifted(struct dbtest *t, const char *json, enum err want)
{
	struct lifted done;
	enum err e =
	    suppression_take_back(t->db, t->mem, 1, form_of(t, json), &team, &done);

	ok(e == want, "suppression_take_back %s: %s", json, err_name(e));
	return done.n;
}

static void counted(struct dbtest *t)
{
	struct people_fault *f;
	size_t n = 1;

	ok(people_check(t->db, t->mem, &f, &n) == OK && n == 0, "and all are counted");
}

static void making(struct dbtest *t)
{
	struct suppressed n;

	set_up(t);
	subscribed(t, "an@x.example");
	subscribed(t, "bo@x.example");
	subscribed(t, "cy@x.example");
	suppressed(t,
	    "{\"emails\":[\"AN@x.example\",\"di@x.example\"],\"reason\":\"bounced\"}",
	    2, 0);
	is_text(status_of(t, "an@x.example"), "bounced", "a subscriber has that state");
	is_text(status_of(t, "di@x.example"), "nobody", "nobody is made of an address");
	suppressed(t, "{\"emails\":\"bo@x.example\\nan@x.example\\n\"}", 1, 1);
	is_text(status_of(t, "bo@x.example"), "unsubscribed",
	    "blocked by hand is gone");
	suppressed(t, "{\"emails\":[\"cy@x.example\"],\"reason\":\"complained\"}", 1,
	    0);
	is_text(status_of(t, "cy@x.example"), "complained", "a complaint");
	ok(suppression_make(t->db, t->mem, 1, form_of(t, "{\"emails\":[\"x\"]}"), &team,
	       &n) == ERR_INVALID,
	    "refuses what is no address");
	ok(suppression_make(t->db, t->mem, 1, form_of(t, "{\"emails\":[]}"), &team,
	       &n) == ERR_INVALID,
	    "and nothing");
	counted(t);
	is_int(subscribed(t, "di@x.example") > 0, 1, "who is suppressed may be added");
	is_text(status_of(t, "di@x.example"), "bounced", "but stays gone");
	is_int(subscribed(t, "an@x.example") > 0, 1, "or changed");
	is_text(status_of(t, "an@x.example"), "bounced", "and stays gone");
	counted(t);
}

static void lifting(struct dbtest *t)
{
	set_up(t);
	subscribed(t, "an@x.example");
	subscribed(t, "bo@x.example");
	subscribed(t, "cy@x.example");
	suppressed(t, "{\"emails\":[\"an@x.example\"],\"reason\":\"bounced\"}", 1, 0);
	suppressed(t, "{\"emails\":[\"bo@x.example\"],\"reason\":\"complained\"}", 1,
	    0);
	suppressed(t, "{\"emails\":[\"cy@x.example\"],\"reason\":\"unsubscribed\"}", 1,
	    0);
	dbtest_script(t->db,
	    "INSERT INTO suppressions VALUES (1, 'old@x.example', 'bounced', '', 100),"
	    " (1, 'new@x.example', 'bounced', '', 9000),"
	    " (2, 'other@x.example', 'bounced', '', 9000);"
	    "INSERT INTO people_counts (brand_id, kind, item, n) VALUES"
	    " (2, 'suppressed', '', 1);"
	    "UPDATE people_counts SET n = n + 2 WHERE brand_id = 1"
	    " AND kind = 'suppressed'");
	lifted(t, "{\"email\":\"an@x.example\"}", ERR_INVALID);
	is_text(status_of(t, "an@x.example"), "bounced",
	    "without a note nothing is lifted");
	lifted(t, "{\"email\":\"bo@x.example\",\"note\":\"asked\"}", ERR_INVALID);
	is_text(status_of(t, "bo@x.example"), "complained", "a complaint stays");
	lifted(t, "{\"email\":\"nobody@x.example\",\"note\":\"x\"}", ERR_NOTFOUND);
	lifted(t, "{\"note\":\"x\"}", ERR_INVALID);
	lifted(t,
	    "{\"note\":\"x\",\"reason\":\"complained\",\"since\":\"1970-01-01T00:00:"
	    "00Z\"}",
	    ERR_INVALID);
	is_int(lifted(t, "{\"email\":\"cy@x.example\",\"note\":\"signed on paper\"}",
		   OK),
	    1, "one");
	is_text(status_of(t, "cy@x.example"), "active", "may be mailed again");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM consents WHERE action = 'resubscribed'"
		   " AND detail = 'signed on paper' AND ip = '192.0.2.1'"),
	    1, "the history has the note");
	is_int(lifted(t,
		   "{\"reason\":\"bounced\",\"since\":\"1970-01-01T00:00:02Z\","
		   "\"note\":"
		   "\"host down\"}",
		   OK),
	    2, "all bounces since a time");
	is_text(status_of(t, "an@x.example"), "active", "may be mailed again");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM suppressions"), 3,
	    "older ones, complaints and other brands stay");
	counted(t);
}

int main(void)
{
	dbtest_run(making);
	dbtest_run(lifting);
	return done_testing();
}
