#include "service/second_factor.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/totp.h"
#include "dbtest.h"
#include "repo/user.h"
#include "service/account.h"
#include "tap.h"

#define NOW INT64_C(1764000000000)
#define PASSWORD "four words do well"

struct scene {
	struct dbtest *t;
	struct keyring keys;
	struct visit v;
	struct user *u;
	struct second_factor_new n;
};

static void begin(struct scene *s, struct dbtest *t)
{
	struct form *f = form_new(t->mem);

	memset(s, 0, sizeof(*s));
	s->t = t;
	s->keys.nbox = 1;
	memset(s->keys.box[0].key, 5, sizeof(s->keys.box[0].key));
	s->v = (struct visit){ .db = t->db,
		.keys = &s->keys,
		.state_dir = t->dir,
		.ip = "10.0.0.1",
		.now = NOW };
	ok(kv_open(t->mem, "", t->log, &s->v.kv) == OK, "kv_open opens");
	form_add(f, "email", "ines@nordlicht.example");
	form_add(f, "password", PASSWORD);
	ok(user_create(t->db, t->mem, f, false, NOW, &s->u) == OK, "there is a person");
	s->n.secret = second_factor_secret(t->mem);
}

static const char *code_at(struct scene *s, int64_t when)
{
	uint8_t secret[TOTP_SECRET_BYTES];

	if (base32_decode(s->n.secret, secret, sizeof(secret)) != OK)
		return "";
	return mem_printf(s->t->mem, "%06u",
	    totp_number(secret, sizeof(secret), when / TOTP_STEP_MS) % 1000000);
}

static struct form *asked(struct scene *s, const char *code, const char *password)
{
	struct form *f = form_new(s->t->mem);

	form_add(f, "code", code);
	if (password)
		form_add(f, "current_password", password);
	return f;
}

static void reload(struct scene *s)
{
	ok(user_get(s->t->db, s->t->mem, s->u->id, &s->u) == OK, "they are read again");
}

static void enable(struct scene *s)
{
	struct form *f = asked(s, code_at(s, s->v.now), PASSWORD);

	is_int(second_factor_enable(&s->v, s->t->mem, s->u, f, &s->n), OK,
	    "second_factor_enable turns it on");
	reload(s);
}

static enum err check(struct scene *s, const char *code, const char *ip)
{
	struct second_factor_try t;
	struct form *f = asked(s, code, NULL);
	enum err e;

	s->v.ip = ip;
	e = second_factor_check(&s->v, s->t->mem, s->u, f, &t);
	if (e == ERR_INVALID || e == ERR_LIMITED)
		ok(form_error(f, "code") != NULL, "and says why at the field");
	if (e == ERR_LIMITED)
		ok(t.retry_after > 0 && t.retry_after <= 15 * 60,
		    "and how long to wait, no longer than a quarter of an hour");
	return e;
}

static void test_enable(struct dbtest *t)
{
	struct scene s;
	struct form *f;

	begin(&s, t);
	f = asked(&s, "000000", PASSWORD);
	if (strcmp(code_at(&s, NOW), "000000") == 0)
		f = asked(&s, "000001", PASSWORD);
	ok(second_factor_enable(&s.v, t->mem, s.u, f, &s.n) == ERR_INVALID &&
		form_error(f, "code"),
	    "second_factor_enable refuses another code");
	f = asked(&s, code_at(&s, NOW), "wrong");
	ok(second_factor_enable(&s.v, t->mem, s.u, f, &s.n) == ERR_INVALID &&
		form_error(f, "current_password"),
	    "second_factor_enable refuses another password");
	reload(&s);
	ok(!s.u->totp_secret, "and nothing was changed");
	enable(&s);
	ok(s.u->totp_secret && s.u->totp_step == NOW / TOTP_STEP_MS,
	    "the code that was shown is used up");
	is_int(dbtest_int(t->db,
		   mem_printf(t->mem,
		       "SELECT count(*) FROM users WHERE CAST(totp_secret AS TEXT)"
		       " LIKE '%%%s%%'",
		       s.n.secret)),
	    0, "the secret is not in the database");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM recovery_codes"), RECOVERY_CODES,
	    "ten recovery codes are kept");
	is_int((int64_t)strlen(s.n.codes[9]), 19, "and shown in groups");
}

static void test_check(struct dbtest *t)
{
	struct scene s;

	begin(&s, t);
	enable(&s);
	is_int(check(&s, code_at(&s, NOW), "10.1.0.1"), ERR_INVALID,
	    "second_factor_check refuses the code that turned it on");
	s.v.now += TOTP_STEP_MS;
	is_int(check(&s, code_at(&s, s.v.now + TOTP_STEP_MS), "10.1.0.2"), OK,
	    "second_factor_check takes the next step's code");
	is_int(check(&s, code_at(&s, s.v.now), "10.1.0.3"), ERR_INVALID,
	    "and then none before it");
	s.v.now += 3 * TOTP_STEP_MS;
	is_int(check(&s, code_at(&s, s.v.now - TOTP_STEP_MS), "10.1.0.4"), OK,
	    "second_factor_check takes the step before");
	is_int(check(&s, code_at(&s, s.v.now - 2 * TOTP_STEP_MS), "10.1.0.5"),
	    ERR_INVALID, "but not two before");
	is_int(check(&s, "", "10.1.0.6"), ERR_INVALID, "nor nothing");
	is_int(check(&s, "12345", "10.1.0.6"), ERR_INVALID, "nor five digits");
	is_int(check(&s, mem_printf(t->mem, " %s ", code_at(&s, s.v.now)), "10.1.0.7"),
	    OK, "spaces do not matter");
}

static void test_recovery(struct dbtest *t)
{
	struct second_factor_try tried;
	struct second_factor_new other = { 0 };
	struct scene s;
	struct form *f;

	begin(&s, t);
	enable(&s);
	f = asked(&s, s.n.codes[3], NULL);
	is_int(second_factor_check(&s.v, t->mem, s.u, f, &tried), OK,
	    "second_factor_check takes a recovery code");
	ok(tried.recovery && tried.left == RECOVERY_CODES - 1, "and counts those left");
	is_int(check(&s, s.n.codes[3], "10.1.0.1"), ERR_INVALID, "it works once");
	f = asked(&s, "", "wrong");
	is_int(second_factor_recover(&s.v, t->mem, s.u, f, &other), ERR_INVALID,
	    "second_factor_recover takes the password");
	f = asked(&s, "", PASSWORD);
	is_int(second_factor_recover(&s.v, t->mem, s.u, f, &other), OK,
	    "second_factor_recover makes others");
	is_int(check(&s, s.n.codes[4], "10.1.0.2"), ERR_INVALID,
	    "those before are dead");
	is_int(check(&s, text_trim(t->mem, other.codes[0]), "10.1.0.3"), OK,
	    "the others work");
}

static void test_limit(struct dbtest *t)
{
	struct scene s;
	enum err e = OK;

	begin(&s, t);
	enable(&s);
	for (int i = 0; i < 10; i++)
		e = check(&s, "abcd-abcd-abcd-abcd",
		    mem_printf(t->mem, "10.2.0.%d", i));
	is_int(e, ERR_INVALID, "ten tries are taken");
	s.v.now += TOTP_STEP_MS;
	is_int(check(&s, code_at(&s, s.v.now), "10.2.1.1"), ERR_LIMITED,
	    "second_factor_check pauses after ten tries, right or wrong");
	s.v.now += 15 * 60 * 1000;
	is_int(check(&s, code_at(&s, s.v.now), "10.2.1.2"), OK,
	    "and goes on after a quarter of an hour");
	for (int i = 0; i < 6; i++)
		e = check(&s, "abcd-abcd-abcd-abcd", "10.2.2.1");
	is_int(e, ERR_LIMITED, "five a minute from an address");
}

static void test_pending(struct dbtest *t)
{
	struct scene s;
	struct user *who;
	const char *next;
	char *word, *bad;

	begin(&s, t);
	enable(&s);
	word = second_factor_pending(&s.v, t->mem, s.u, "/brands/7");
	ok(second_factor_whose(&s.v, t->mem, word, &who, &next) == OK &&
		who->id == s.u->id,
	    "second_factor_whose tells who");
	is_text(next, "/brands/7", "and where to");
	bad = mem_str(t->mem, word);
	bad[30] = bad[30] == 'A' ? 'B' : 'A';
	is_int(second_factor_whose(&s.v, t->mem, bad, &who, &next), ERR_NOTFOUND,
	    "second_factor_whose refuses a changed word");
	s.v.now += PENDING_LIFE_S * 1000 + 1;
	is_int(second_factor_whose(&s.v, t->mem, word, &who, &next), ERR_NOTFOUND,
	    "and one older than five minutes");
	s.v.now -= 60 * 1000;
	ok(account_set_password(&s.v, t->mem, s.u, "another good password", 0) == OK &&
		second_factor_whose(&s.v, t->mem, word, &who, &next) == ERR_NOTFOUND,
	    "and one from before the password changed");
	reload(&s);
	word = second_factor_pending(&s.v, t->mem, s.u, "/");
	ok(second_factor_remove(&s.v, s.u) == OK &&
		second_factor_whose(&s.v, t->mem, word, &who, &next) == ERR_NOTFOUND,
	    "and one from before the second factor went");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM recovery_codes"), 0,
	    "whose recovery codes went with it");
}

static void test_setup(struct dbtest *t)
{
	struct scene s;
	char *sealed, *secret;

	begin(&s, t);
	sealed = second_factor_seal(&s.v, t->mem, 4, s.n.secret);
	ok(!strstr(sealed, s.n.secret), "second_factor_seal hides the secret");
	ok(second_factor_unseal(&s.v, t->mem, 4, sealed, &secret) == OK &&
		strcmp(secret, s.n.secret) == 0,
	    "second_factor_unseal gives it back");
	is_int(second_factor_unseal(&s.v, t->mem, 5, sealed, &secret), ERR_NOTFOUND,
	    "but not to another session");
	is_int(second_factor_unseal(&s.v, t->mem, 4, s.n.secret, &secret), ERR_NOTFOUND,
	    "and takes no other");
	is_text(second_factor_uri(t->mem, "m.example", "a+b@x.test", "JBSWY3DP"),
	    "otpauth://totp/Maillayer%20m.example:a%2Bb%40x.test?secret=JBSWY3DP"
	    "&issuer=Maillayer%20m.example",
	    "second_factor_uri names both");
}

static void test_disable(struct dbtest *t)
{
	struct scene s;
	struct form *f;
	int wait;

	begin(&s, t);
	enable(&s);
	s.v.now += TOTP_STEP_MS;
	f = asked(&s, code_at(&s, s.v.now), NULL);
	is_int(second_factor_disable(&s.v, t->mem, s.u, f, &wait), ERR_INVALID,
	    "second_factor_disable needs the password");
	f = asked(&s, "000000", PASSWORD);
	if (strcmp(code_at(&s, s.v.now), "000000") == 0)
		f = asked(&s, "000001", PASSWORD);
	is_int(second_factor_disable(&s.v, t->mem, s.u, f, &wait), ERR_INVALID,
	    "and the code");
	f = asked(&s, code_at(&s, s.v.now), PASSWORD);
	is_int(second_factor_disable(&s.v, t->mem, s.u, f, &wait), OK,
	    "second_factor_disable turns it off");
	reload(&s);
	ok(!s.u->totp_secret, "it is off");
}

int main(void)
{
	dbtest_run(test_enable);
	dbtest_run(test_check);
	dbtest_run(test_recovery);
	dbtest_run(test_limit);
	dbtest_run(test_pending);
	dbtest_run(test_setup);
	dbtest_run(test_disable);
	return done_testing();
}
