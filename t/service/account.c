#include "service/account.h"

#include <string.h>

#include "base/mem.h"
#include "dbtest.h"
#include "repo/user.h"
#include "service/password_reset.h"
#include "tap.h"

#define NOW INT64_C(1764000000000)
#define PASSWORD "four words do well"

static const struct keyring keys;

static struct form *form_of(void *mem, const char *const pairs[][2])
{
	struct form *f = form_new(mem);

	for (size_t i = 0; pairs[i][0]; i++)
		form_add(f, pairs[i][0], pairs[i][1]);
	return f;
}
#define FORM(...)                                                                      \
	form_of(t->mem, (const char *const[][2]){ __VA_ARGS__, { NULL, NULL } })

static struct user *person(struct dbtest *t, const char *email, bool admin)
{
	struct user *u = NULL;

	ok(user_create(t->db, t->mem,
	       FORM({ "email", email }, { "password", PASSWORD }), admin, NOW,
	       &u) == OK,
	    "there is %s", email);
	return u;
}

static struct visit visit(struct dbtest *t)
{
	struct visit v = { .db = t->db,
		.keys = &keys,
		.state_dir = t->dir,
		.ip = "10.0.0.1",
		.now = NOW };

	ok(kv_open(t->mem, "", t->log, &v.kv) == OK, "kv_open opens");
	return v;
}

static void test_password(struct dbtest *t)
{
	struct visit v = visit(t);
	struct user *u = person(t, "ines@nordlicht.example", true);
	struct caller here = { 0 }, there = { 0 };
	struct account_change c = { 0 };
	char *cookie, *other, *word;
	struct form *f;

	ok(session_begin(&v, t->mem, u, &cookie) == OK &&
		session_begin(&v, t->mem, u, &other) == OK &&
		session_read(&v, t->mem, cookie, &here) == OK &&
		password_reset_make(&v, t->mem, u->id, &word) == OK,
	    "two sessions and a link");
	c.keep = here.session_id;
	f = FORM({ "current_password", "wrong" }, { "password", "a better password" });
	ok(account_change_password(&v, t->mem, u, f, &c) == ERR_INVALID &&
		form_error(f, "current_password"),
	    "account_change_password refuses a wrong current one");
	f = FORM({ "current_password", PASSWORD }, { "password", PASSWORD });
	ok(account_change_password(&v, t->mem, u, f, &c) == ERR_INVALID &&
		form_error(f, "password"),
	    "and the same again");
	f = FORM({ "current_password", PASSWORD }, { "password", "short" });
	ok(account_change_password(&v, t->mem, u, f, &c) == ERR_INVALID &&
		form_error(f, "password"),
	    "and a short one");
	ok(session_read(&v, t->mem, other, &there) == OK, "so far nothing ended");
	f = FORM({ "current_password", PASSWORD }, { "password", "a better password" });
	is_int(account_change_password(&v, t->mem, u, f, &c), OK,
	    "account_change_password changes");
	is_int(session_read(&v, t->mem, other, &there), ERR_NOTFOUND,
	    "the other session ended");
	is_int(session_read(&v, t->mem, cookie, &here), OK, "this one did not");
	is_int(password_reset_check(&v, t->mem, word, &u), ERR_NOTFOUND,
	    "and the link is dead");
	ok(user_get(t->db, t->mem, here.user_id, &u) == OK &&
		password_matches(&v, u, "a better password") &&
		!password_matches(&v, u, PASSWORD),
	    "the new one counts, the old one does not");
}

static void test_prove(struct dbtest *t)
{
	struct visit v = visit(t);
	struct user *u = person(t, "ines@nordlicht.example", true);
	enum err e = OK;
	int wait;

	for (int i = 0; i < 10; i++)
		e = account_prove(&v, t->mem, u, FORM({ "current_password", "wrong" }),
		    &wait);
	is_int(e, ERR_INVALID, "ten wrong ones are refused");
	is_int(account_prove(&v, t->mem, u, FORM({ "current_password", PASSWORD }),
		   &wait),
	    ERR_LIMITED, "account_prove pauses then");
	ok(wait > 0 && wait <= 15 * 60, "for a quarter of an hour at most");
	v.now += 15 * 60 * 1000;
	is_int(account_prove(&v, t->mem, u, FORM({ "current_password", PASSWORD }),
		   &wait),
	    OK, "and goes on");
}

static void test_reset(struct dbtest *t)
{
	struct visit v = visit(t);
	struct user *u = person(t, "ines@nordlicht.example", true), *who;
	char *word, *second, *cookie;
	struct caller c = { 0 };
	struct form *f;

	ok(password_reset_make(&v, t->mem, u->id, &word) == OK && strlen(word) == 43 &&
		password_reset_make(&v, t->mem, u->id, &second) == OK &&
		session_begin(&v, t->mem, u, &cookie) == OK,
	    "password_reset_make makes a word of 256 bits");
	is_int(dbtest_int(t->db,
		   mem_printf(t->mem,
		       "SELECT count(*) FROM password_resets WHERE"
		       " CAST(token_hash AS TEXT) LIKE '%%%s%%'",
		       word)),
	    0, "of which the database has the hash");
	for (int i = 0; i < 3; i++)
		ok(password_reset_check(&v, t->mem, word, &who) == OK &&
			who->id == u->id,
		    "looking does not use it up");
	f = FORM({ "password", "short" });
	ok(password_reset_complete(&v, t->mem, word, f, &who) == ERR_INVALID &&
		form_error(f, "password"),
	    "password_reset_complete refuses a short one, and the word stays good");
	is_int(password_reset_complete(&v, t->mem, word,
		   FORM({ "password", "a better password" }), &who),
	    OK, "password_reset_complete sets a good one");
	is_int(password_reset_complete(&v, t->mem, word,
		   FORM({ "password", "yet another one" }), &who),
	    ERR_NOTFOUND, "once");
	is_int(password_reset_check(&v, t->mem, second, &who), ERR_NOTFOUND,
	    "other links are dead too");
	is_int(session_read(&v, t->mem, cookie, &c), ERR_NOTFOUND,
	    "sessions have ended");
	ok(user_get(t->db, t->mem, u->id, &u) == OK &&
		password_matches(&v, u, "a better password"),
	    "the new password counts");
	ok(password_reset_make(&v, t->mem, u->id, &word) == OK, "another word");
	v.now += RESET_LIFE_MS - 1;
	is_int(password_reset_check(&v, t->mem, word, &who), OK, "is good for an hour");
	v.now += 1;
	is_int(password_reset_check(&v, t->mem, word, &who), ERR_NOTFOUND,
	    "and no more");
	is_int(password_reset_complete(&v, t->mem, word,
		   FORM({ "password", "yet another one" }), &who),
	    ERR_NOTFOUND, "neither for looking nor for use");
}

static void test_ask(struct dbtest *t)
{
	struct visit v = visit(t);
	struct user *u = person(t, "ines@nordlicht.example", true), *who;
	struct form *f;
	enum err e = OK;
	int wait;

	f = FORM({ "email", "ines" });
	ok(password_reset_ask(&v, t->mem, f, &wait) == ERR_INVALID &&
		form_error(f, "email"),
	    "password_reset_ask refuses what is no address");
	f = FORM({ "email", " Ines@Nordlicht.example" });
	is_int(password_reset_ask(&v, t->mem, f, &wait), OK, "and takes one");
	for (int i = 0; i < 3; i++)
		ok(password_reset_for(&v, t->mem, f, &who) == OK && who->id == u->id,
		    "password_reset_for finds who gets a mail");
	is_int(password_reset_for(&v, t->mem, f, &who), ERR_LIMITED,
	    "three times an hour");
	v.now += 3600 * 1000;
	is_int(password_reset_for(&v, t->mem, f, &who), OK, "and again the next");
	is_int(password_reset_for(&v, t->mem, FORM({ "email", "x@nordlicht.example" }),
		   &who),
	    ERR_NOTFOUND, "a stranger gets none");
	dbtest_script(t->db, "UPDATE users SET disabled_at = 1");
	is_int(password_reset_for(&v, t->mem, f, &who), ERR_NOTFOUND,
	    "nor who is disabled");
	dbtest_script(t->db,
	    "UPDATE users SET disabled_at = NULL, password_hash = NULL");
	is_int(password_reset_for(&v, t->mem, f, &who), ERR_NOTFOUND,
	    "nor who has no password");
	for (int i = 0; i < 11; i++)
		e = password_reset_ask(&v, t->mem, f, &wait);
	ok(e == ERR_LIMITED && wait > 0 && wait <= 3600,
	    "ten an hour from an address, and it says how long to wait");
}

static void test_standing(struct dbtest *t)
{
	struct visit v = visit(t);
	struct user *a = person(t, "a@nordlicht.example", true);
	struct user *b = person(t, "b@nordlicht.example", false), *got;
	struct caller c = { 0 };
	char *cookie, *word;
	struct form *f = FORM({ "admin", "0" });

	ok(account_change_standing(&v, t->mem, a->id, f, &got) == ERR_INVALID &&
		form_error(f, "admin"),
	    "the only administrator stays one");
	f = FORM({ "disabled", "1" });
	ok(account_change_standing(&v, t->mem, a->id, f, &got) == ERR_INVALID &&
		form_error(f, "disabled"),
	    "and stays enabled");
	ok(session_begin(&v, t->mem, b, &cookie) == OK &&
		password_reset_make(&v, t->mem, b->id, &word) == OK,
	    "the other is signed in");
	is_int(account_change_standing(&v, t->mem, b->id, FORM({ "admin", "1" }), &got),
	    OK, "account_change_standing makes an administrator");
	ok(got->admin, "and says so");
	is_int(session_read(&v, t->mem, cookie, &c), ERR_NOTFOUND,
	    "whose sessions end: what they may do has changed");
	ok(session_begin(&v, t->mem, b, &cookie) == OK, "they sign in again");
	is_int(account_change_standing(&v, t->mem, b->id, FORM({ "disabled", "1" }),
		   &got),
	    OK, "account_change_standing disables");
	is_int(session_read(&v, t->mem, cookie, &c), ERR_NOTFOUND,
	    "whose sessions end at once");
	is_int(password_reset_check(&v, t->mem, word, &got), ERR_NOTFOUND,
	    "and links with them");
	f = FORM({ "admin", "0" });
	is_int(account_change_standing(&v, t->mem, a->id, f, &got), ERR_INVALID,
	    "a disabled administrator does not count");
	is_int(account_change_standing(&v, t->mem, b->id, FORM({ "disabled", "0" }),
		   &got),
	    OK, "account_change_standing enables");
	is_int(account_change_standing(&v, t->mem, a->id, FORM({ "admin", "0" }), &got),
	    OK, "and now the first may go");
	is_int(account_change_standing(&v, t->mem, 99, FORM({ "admin", "0" }), &got),
	    ERR_NOTFOUND, "nobody is nobody");
}

int main(void)
{
	dbtest_run(test_password);
	dbtest_run(test_prove);
	dbtest_run(test_reset);
	dbtest_run(test_ask);
	dbtest_run(test_standing);
	return done_testing();
}
