/* Whatever changes people keeps their counts; people_check counts anew. */
#include "repo/people_count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "dbtest.h"
#include "repo/brand.h"
#include "repo/list.h"
#include "repo/subscriber.h"
#include "repo/suppression.h"
#include "service/import.h"
#include "service/list.h"
#include "service/subscriber.h"
#include "tap.h"

enum { PEOPLE = 30, LISTS = 4, STEPS = 250, HANDS = 3, HAND_STEPS = 120 };

static const struct origin page = { .source = "page", .now = 86400000 * 3 };

static void set_up(struct db *db)
{
	dbtest_script(db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (1, 'B', 'h1', 1, 1), (2, 'C', 'h2', 1, 1)");
	for (int i = 1; i <= LISTS; i++) {
		struct list l = { .brand_id = 1, .name = "A", .description = "" };
		char name[8];

		snprintf(name, sizeof(name), "L%d", i);
		l.name = name;
		if (list_row_insert(db, &l, 1) != OK)
			ok(false, "a list is made");
	}
}

static struct form *form(void *mem, const char *json)
{
	struct form *f = form_new(mem);
	struct json_object *o;

	if (json_read(mem, json, strlen(json), &o, NULL) != OK)
		ok(false, "this is JSON: %s", json);
	else
		form_set_json(f, o);
	return f;
}

/* How many counts are wrong; says which. */
static int wrong(struct db *db)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "wrong");
	struct people_fault *f;
	size_t n;

	if (people_check(db, tmp, &f, &n) != OK)
		return -1;
	for (size_t i = 0; i < n; i++)
		diag("brand %d %s %s: %d counted, %d found", (int)f[i].brand, f[i].kind,
		    f[i].item, (int)f[i].told, (int)f[i].found);
	return (int)n;
}

/* ---- one change after another, at random ---- */

static int any(unsigned *seed, int n)
{
	return rand_r(seed) % n;
}

static const char *address(void *mem, unsigned *seed)
{
	return mem_printf(mem, "p%d@x.example", any(seed, PEOPLE));
}

static const char *body(void *mem, unsigned *seed, const char *email)
{
	static const char *const words[] = { "active", "unconfirmed", "unsubscribed" };
	int a = 1 + any(seed, LISTS), b = 1 + any(seed, LISTS);

	return mem_printf(mem,
	    "{\"email\":\"%s\",\"status\":\"%s\",\"tags\":[\"t%d\",\"u\\\"%d\"],"
	    "\"lists\":[%d,%d]}",
	    email, words[any(seed, 3)], any(seed, 4), any(seed, 3), a, b);
}

static enum err change(struct db *db, void *mem, struct subscriber *s, unsigned *seed)
{
	const char *json = any(seed, 2) ? "{\"first_name\":\"Ada\"}"
					: body(mem, seed, address(mem, seed));

	return subscriber_change(db, mem, s, form(mem, json), &page);
}

static enum err import(struct db *db, void *mem, unsigned *seed)
{
	static const struct import_request api = { .brand = 1,
		.now = 86400000,
		.start = true };
	const struct clock clock = clock_fixed(86400000 * 2);
	const struct log quiet = { .least = LOG_ERROR, .fd = 2, .process = "test" };
	struct app app = { .db = db, .clock = &clock, .log = quiet };
	struct work_report w;
	struct import *i;
	char *csv = mem_printf(mem, "email,tags\n%s,t%d\n%s,v\n%s,\n",
	    address(mem, seed), any(seed, 4), address(mem, seed), address(mem, seed));
	struct form_file file = { .field = "file",
		.name = "p.csv",
		.type = "text/csv",
		.data = csv,
		.len = strlen(csv) };
	struct form *f =
	    form(mem, mem_printf(mem, "{\"lists\":[%d]}", 1 + any(seed, 2)));
	enum err e;

	form_add_file(f, &file);
	e = import_create(db, mem, &api, f, &i);
	return e == OK ? import_work(&app, 60000, &w) : e;
}

/* One of the ways to change a person who is there. */
static enum err touch(struct db *db, void *mem, struct subscriber *s, unsigned *seed)
{
	const struct mailed m = { .brand_id = 1,
		.subscriber_id = s->id,
		.email_key = s->email_key,
		.left_at = 1 };

	switch (any(seed, 8)) {
	case 0: return subscriber_unsubscribe(db, 1, s->id, &page, NULL);
	case 1: return subscriber_return(db, &m, &page);
	case 2: return subscriber_stop(db, 1, s->id, SUBSCRIBER_BOUNCED, &page, NULL);
	case 3:
		return subscriber_stop(db, 1, s->id, SUBSCRIBER_COMPLAINED, &page,
		    NULL);
	case 4: return subscriber_remove(db, 1, s->id);
	case 6: return subscriber_leave_by_mail(db, &m, &page);
	case 5: return subscriber_remove(db, 2, s->id); /* of another brand: nothing */
	default: return change(db, mem, s, seed);
	}
}

static enum err lift(struct db *db, const char *key)
{
	bool lifted;

	return suppression_lift(db, 1, key, "unsubscribed", &lifted);
}

static enum err step(struct db *db, unsigned *seed)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "step");
	const char *key = address(mem, seed);
	struct subscriber *s;

	if (any(seed, 12) == 0)
		return import(db, mem, seed);
	if (any(seed, 12) == 0)
		return lift(db, key);
	if (subscriber_get_by_key(db, mem, 1, key, &s) == OK && any(seed, 4))
		return touch(db, mem, s, seed);
	return subscriber_create(db, mem, 1, form(mem, body(mem, seed, key)), &page,
	    &s);
}

static void at_random(struct dbtest *t)
{
	unsigned seed = 7;
	int good = 0, bad = 0;
	struct list l = { .id = 2, .brand_id = 1 };
	struct people_total p;

	set_up(t->db);
	for (int i = 0; i < STEPS && !bad; i++) {
		good += step(t->db, &seed) == OK;
		bad = wrong(t->db);
	}
	ok(good > STEPS / 3, "%d of %d changes are made", good, STEPS);
	is_int(bad, 0, "and after each the counts are right");
	ok(list_count(t->db, &l) == OK && l.subscribers > 0, "a list has people");
	ok(list_row_delete(t->db, 1, 2) == OK, "a list goes");
	is_int(wrong(t->db), 0, "and its counts with it");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM people_counts WHERE item = '2'"
		   " AND kind IN ('list', 'active')"),
	    0, "to the last");
	ok(people_total(t->db, 1, 0, &p) == OK && p.people > 0 && p.fresh == p.people &&
		p.active < p.people && p.suppressed > 0,
	    "people_total tells them");
	is_int(p.people, dbtest_int(t->db, "SELECT count(*) FROM subscribers"),
	    "all of them");
}

/* ---- several at once ---- */

static void hand(struct dbtest *t, unsigned seed)
{
	struct log quiet = { .least = LOG_ERROR + 1, .fd = 2, .process = "test" };
	struct db *db;

	if (db_open(NULL, t->url, &quiet, &db) != OK)
		_exit(1);
	for (int i = 0; i < HAND_STEPS; i++)
		(void)step(db, &seed);
	_exit(0);
}

static void at_once(struct dbtest *t)
{
	int status, failed = 0;

	set_up(t->db);
	for (unsigned i = 0; i < HANDS; i++)
		if (fork() == 0)
			hand(t, 100 + i);
	for (int i = 0; i < HANDS; i++)
		failed += wait(&status) < 0 || status != 0;
	is_int(failed, 0, "several change the same people at once");
	ok(dbtest_int(t->db, "SELECT count(*) FROM subscribers") > 0, "they are there");
	is_int(wrong(t->db), 0, "and the counts are right");
}

/* ---- the check, and the migration ---- */

static void check(struct dbtest *t)
{
	static const char *const kinds[] = { "status", "day", "list", "active", "tag",
		"suppressed" };
	unsigned seed = 3;

	set_up(t->db);
	for (int i = 0; i < 60; i++)
		(void)step(t->db, &seed);
	is_int(wrong(t->db), 0, "people_check is silent about right counts");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const char *of = mem_printf(t->mem,
		    " WHERE kind = '%s' AND item ="
		    " (SELECT min(item) FROM people_counts WHERE kind = '%s')",
		    kinds[i], kinds[i]);

		dbtest_script(t->db,
		    mem_printf(t->mem, "UPDATE people_counts SET n = n + 1%s", of));
		is_int(wrong(t->db), 1, "and sees a wrong one of kind %s", kinds[i]);
		dbtest_script(t->db,
		    mem_printf(t->mem, "DELETE FROM people_counts%s", of));
		is_int(wrong(t->db), 1, "and a missing one");
		dbtest_count_people(t->db);
		is_int(wrong(t->db), 0, "and the same again");
	}
}

/* The migration's own statement. */
static void migrated(struct dbtest *t)
{
	const char *path = mem_printf(t->mem, "%s/sql/%s/0013_constant.sql", t->share,
	    db_kind(t->db) == DB_SQLITE ? "sqlite" : "postgres");
	FILE *f = fopen(path, "r");
	char text[8192];
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	char *insert;
	unsigned seed = 11;

	ok(f != NULL && n > 0, "the migration can be read");
	if (f)
		fclose(f);
	text[n] = '\0';
	insert = strstr(text, "INSERT INTO people_counts");
	set_up(t->db);
	for (int i = 0; i < 80; i++)
		(void)step(t->db, &seed);
	dbtest_script(t->db, "DELETE FROM people_counts");
	ok(wrong(t->db) > 5, "without counts nothing adds up");
	dbtest_script(t->db, insert ? insert : "the migration counts nobody");
	is_int(wrong(t->db), 0, "the migration counts everybody");
}

int main(void)
{
	dbtest_run(at_random);
	dbtest_run(at_once);
	dbtest_run(check);
	dbtest_run(migrated);
	return done_testing();
}
