#include "service/auth.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "dbtest.h"
#include "kv/limit.h"
#include "repo/user.h"
#include "service/door.h"
#include "tap.h"

#define NOW INT64_C(1764000000000)

static struct form *filled(void *mem, const char *email, const char *password)
{
	struct form *f = form_new(mem);

	form_add(f, "email", email);
	form_add(f, "password", password);
	return f;
}

static void test_setup(struct dbtest *t)
{
	struct form *f = filled(t->mem, "Ines@Nordlicht.example", "four words do well");
	struct form *bad = filled(t->mem, "ines", "short");
	struct user *u;
	char *first, *token;

	ok(setup_token_make(t->db, t->mem, NOW, &first) == OK,
	    "setup_token_make makes one");
	ok(setup_token_make(t->db, t->mem, NOW, &token) == OK,
	    "setup_token_make makes another");
	ok(setup_token_check(t->db, t->mem, first) == ERR_NOTFOUND,
	    "the older link stops working");
	ok(setup_token_check(t->db, t->mem, token) == OK, "the newer link works");
	ok(setup_complete(t->db, t->mem, token, bad, NOW, &u) == ERR_INVALID,
	    "setup_complete refuses a bad form");
	ok(form_error(bad, "email") && form_error(bad, "password"),
	    "and says so at both fields");
	ok(setup_token_check(t->db, t->mem, token) == OK, "and the link is still good");
	ok(setup_complete(t->db, t->mem, first, f, NOW, &u) == ERR_NOTFOUND,
	    "setup_complete refuses a wrong link");
	ok(setup_complete(t->db, t->mem, token, f, NOW, &u) == OK && u->admin,
	    "setup_complete makes the admin");
	ok(setup_complete(t->db, t->mem, token, f, NOW, &u) == ERR_NOTFOUND,
	    "setup_complete works once");
	ok(setup_token_make(t->db, t->mem, NOW, &token) == ERR_CONFLICT,
	    "setup_token_make refuses where there is an account");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM settings"), 0,
	    "nothing of the link is left");
}

static void test_passwords(struct dbtest *t)
{
	static const struct {
		const char *password, *why;
	} bad[] = {
		{ "", "nothing" },
		{ "ninechars", "nine characters" },
		{ "aaaaaaaaaaaa", "one character repeated" },
		{ "Password123", "what everybody tries" },
		{ "eva@brand.example", "the address" },
	};
	struct user *u;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct form *f = filled(t->mem, "eva@brand.example", bad[i].password);

		ok(user_create(t->db, t->mem, f, false, NOW, &u) == ERR_INVALID &&
			form_error(f, "password"),
		    "user_create refuses %s as a password", bad[i].why);
	}
	ok(user_create(t->db, t->mem,
	       filled(t->mem, "eva@brand.example", "zehn Zeichen ä"), false, NOW,
	       &u) == OK,
	    "user_create takes a good one");
	ok(strstr(u->password_hash, "argon2id") != NULL, "user_create keeps argon2id");
	struct form *again = filled(t->mem, "EVA@brand.example", "zehn Zeichen ä");
	ok(user_create(t->db, t->mem, again, false, NOW, &u) == ERR_INVALID,
	    "user_create refuses the address again");
	is_text(form_error(again, "email"),
	    "There is an account with this address already.", "and says so");
}

static void try(struct dbtest *t, struct visit *v, const char *password, enum err want,
    const char *name)
{
	struct form *f = filled(t->mem, "ines@nordlicht.example", password);
	struct user *u;
	int retry;

	v->ip = mem_printf(t->mem, "10.%d.0.1",
	    (int)(v->now / 1000 % 200)); /* not the limit by address */
	is_int(sign_in(v, t->mem, f, &u, &retry), want, "%s", name);
	if (want == ERR_INVALID || want == ERR_LIMITED)
		diag("%s", form_error(f, "password"));
	ok((want == ERR_LIMITED) == (retry > 0),
	    "sign_in says when to come again only if it refuses to try");
}

static void test_sign_in(struct dbtest *t)
{
	struct visit v = { .db = t->db,
		.state_dir = t->dir,
		.ip = "10.0.0.1",
		.agent = "test",
		.now = NOW };
	struct user *u;
	struct form *f;
	int retry, e = OK;

	ok(kv_open(t->mem, "", t->log, &v.kv) == OK, "kv_open opens the local table");
	ok(user_create(t->db, t->mem,
	       filled(t->mem, "ines@nordlicht.example", "four words do well"), true,
	       NOW, &u) == OK,
	    "user_create makes an account");
	try(t, &v, "four words do well", OK, "sign_in lets the right one in");
	for (int i = 0; i < 15; i++) {
		v.now += 1000;
		try(t, &v, "four words do well", OK,
		    "sign_in counts no good one against the account");
	}
	for (int i = 0; i < 10; i++) {
		v.now += 33 * 1000;
		try(t, &v, "wrong", ERR_INVALID, "sign_in refuses a wrong password");
	}
	v.now += 33 * 1000;
	try(t, &v, "four words do well", ERR_LIMITED,
	    "sign_in pauses after ten wrong tries");
	v.now = NOW + 15 * 60 * 1000;
	try(t, &v, "four words do well", OK, "sign_in lets in after the pause");
	v.ip = "2001:db8::1";
	for (int i = 0; i < 5; i++) {
		f = filled(t->mem, mem_printf(t->mem, "nobody%d@nordlicht.example", i),
		    "wrong");
		e = sign_in(&v, t->mem, f, &u, &retry);
	}
	is_int(e, ERR_INVALID, "sign_in answers an unknown account as a known one");
	is_text(form_error(f, "password"), "Email and password don’t match.",
	    "in the same words");
	v.ip = "2001:db8::2";
	f = filled(t->mem, "ines@nordlicht.example", "four words do well");
	is_int(sign_in(&v, t->mem, f, &u, &retry), ERR_LIMITED,
	    "sign_in counts an IPv6 network as one");
	ok(retry > 0 && retry <= 60, "and asks to wait for less than a minute");
	dbtest_script(t->db, "UPDATE users SET disabled_at = 1");
	v.now += 3600 * 1000;
	try(t, &v, "four words do well", ERR_INVALID,
	    "sign_in keeps a disabled account out");
}

/* The pauses between the tries of one account, and a browser that was there before. */
static void test_door(struct dbtest *t)
{
	static const int waits[] = { 0, 0, 0, 0, 2, 4, 8, 16, 32, 0 };
	struct keyring keys = { .mac = { 3 } };
	struct visit v = { .db = t->db,
		.keys = &keys,
		.state_dir = t->dir,
		.now = NOW };
	const char *key = "ines@nordlicht.example";
	struct door d;
	char *known;

	ok(kv_open(t->mem, "", t->log, &v.kv) == OK, "kv_open opens the local table");
	for (int i = 0; i < 10; i++) {
		v.ip = mem_printf(t->mem, "10.7.0.%d", i);
		ok(door_knock(&v, t->mem, key, &d) == OK && d.left == 9 - i,
		    "try %d is taken", i + 1);
		door_refuse(&v, t->mem, &d);
		is_int(d.wait, waits[i], "and then comes a pause of %d s", waits[i]);
		if (waits[i] == 0)
			continue;
		v.now += waits[i] * 1000 - 1;
		ok(door_knock(&v, t->mem, key, &d) == ERR_LIMITED && d.wait == 1,
		    "which is kept");
		v.now += 1;
	}
	v.ip = "10.7.1.1";
	ok(door_knock(&v, t->mem, key, &d) == ERR_LIMITED && d.wait > 60 &&
		d.wait <= 15 * 60,
	    "after ten, a quarter of an hour at most");
	known = door_known(&v, t->mem, key);
	v.known = known;
	v.ip = "10.7.1.2";
	is_int(door_knock(&v, t->mem, key, &d), OK,
	    "a browser that was there before is not shut out by others");
	is_int(d.left, 9, "it has tries of its own");
	ok(!door_knows(&v, t->mem, "eva@nordlicht.example"), "for that account only");
	known[40] = known[40] == 'A' ? 'B' : 'A';
	ok(!door_knows(&v, t->mem, key), "and nobody can make one up");
	v.known = "x";
	ok(!door_knows(&v, t->mem, key), "nor out of nothing");
	v.known = NULL;
	v.ip = "10.7.1.3";
	is_int(door_knock(&v, t->mem, key, &d), ERR_LIMITED, "others still wait");
	v.now = NOW + 15 * 60 * 1000;
	is_int(door_knock(&v, t->mem, key, &d), OK, "until the time has passed");
}

static void test_sessions(struct dbtest *t)
{
	struct keyring keys = { 0 };
	struct visit v = { .db = t->db,
		.keys = &keys,
		.ip = "10.0.0.1",
		.agent = "test",
		.now = NOW };
	struct caller c = { 0 };
	struct user *u;
	char *cookie, *other;

	ok(kv_open(t->mem, "", t->log, &v.kv) == OK, "kv_open opens the local table");
	ok(user_create(t->db, t->mem,
	       filled(t->mem, "ines@nordlicht.example", "four words do well"), true,
	       NOW, &u) == OK,
	    "user_create makes an account");
	ok(session_begin(&v, t->mem, u, &cookie) == OK &&
		session_begin(&v, t->mem, u, &other) == OK,
	    "session_begin begins two");
	ok(strcmp(cookie, other) != 0, "with a secret each");
	is_int(dbtest_int(t->db,
		   mem_printf(t->mem, "SELECT count(*) FROM sessions WHERE csrf = '%s'",
		       cookie)),
	    0, "the secret is not in the database");
	ok(session_read(&v, t->mem, cookie, &c) == OK && c.user_id == u->id && c.admin,
	    "session_read tells who");
	ok(c.csrf && strlen(c.csrf) == 43, "session_read gives the token of forms");
	cookie[5] ^= 1;
	ok(session_read(&v, t->mem, cookie, &c) == ERR_NOTFOUND,
	    "session_read refuses a changed cookie");
	cookie[5] ^= 1;
	v.now += 6 * 3600 * 1000;
	ok(session_read(&v, t->mem, cookie, &c) == OK,
	    "session_read takes one used six hours ago");
	v.now += 7 * 3600 * 1000;
	ok(session_read(&v, t->mem, cookie, &c) == OK,
	    "session_read counts idleness from the last use");
	ok(session_read(&v, t->mem, other, &c) == ERR_NOTFOUND,
	    "session_read ends one that was not used");
	ok(sign_out(&v, t->mem, cookie) == OK, "sign_out ends");
	ok(session_read(&v, t->mem, cookie, &c) == ERR_NOTFOUND,
	    "and the cookie is worth nothing");
	ok(sign_out(&v, t->mem, cookie) == OK, "sign_out may be called again");
}

int main(void)
{
	dbtest_run(test_setup);
	dbtest_run(test_passwords);
	dbtest_run(test_sign_in);
	dbtest_run(test_door);
	dbtest_run(test_sessions);
	return done_testing();
}
