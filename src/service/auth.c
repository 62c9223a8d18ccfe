#include "service/auth.h"

#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include "kv/limit.h"
#include "repo/setting.h"
#include "repo/user.h"
#include "service/account.h"
#include "service/address.h"

static const char setup_key[] = "setup_token";

enum { IP_WINDOW_S = 60, IP_TRIES = 5, ACCOUNT_WINDOW_S = 15 * 60, ACCOUNT_TRIES = 10 };

/* ---- the first account ---- */

static char *token_hash(void *mem, const char *token)
{
	uint8_t hash[32];

	sha256(token, strlen(token), hash);
	return hex_encode(mem, hash, sizeof(hash));
}

static enum err nobody_yet(struct db *db)
{
	int64_t n;
	enum err e = user_count(db, &n);

	return e == OK && n > 0 ? ERR_CONFLICT : e;
}

enum err setup_token_make(struct db *db, void *mem, int64_t now, char **token)
{
	enum err e = nobody_yet(db);

	if (e != OK)
		return e;
	*token = id_secret(mem);
	return setting_put(db, setup_key, token_hash(mem, *token), now);
}

enum err setup_token_check(struct db *db, void *mem, const char *token)
{
	char *kept, *given = token_hash(mem, token);
	enum err e = nobody_yet(db);

	if (e == OK)
		e = setting_get(db, mem, setup_key, &kept);
	if (e == OK &&
	    (strlen(kept) != strlen(given) ||
		!equal_secret(kept, given, strlen(given))))
		e = ERR_NOTFOUND;
	return e == ERR_CONFLICT ? ERR_NOTFOUND : e;
}

enum err setup_complete(struct db *db, void *mem, const char *token, struct form *f,
    int64_t now, struct user **out)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = setup_token_check(db, mem, token);
	if (e == OK)
		e = setting_take(db, setup_key, token_hash(mem, token));
	if (e == OK)
		e = user_create(db, mem, f, true, now, out);
	return e == OK ? tx_commit(&tx) : e;
}

/* ---- accounts ---- */

static bool given_address(struct form *f, void *mem, struct address *a)
{
	const char *text = form_line(f, "email", 0, EMAIL_MAX), *why = NULL;

	a->email = a->key = "";
	if (form_error(f, "email"))
		return false;
	if (text_empty(text))
		form_fail(f, "email", "Enter an email address.");
	else if (address_parse(mem, text, a, &why) != OK)
		form_fail(f, "email", "%s", why);
	return !form_error(f, "email");
}

enum err user_create(struct db *db, void *mem, struct form *f, bool admin, int64_t now,
    struct user **out)
{
	struct user *u = mem_new(mem, struct user);
	struct address a;
	const char *password;
	enum err e;

	given_address(f, mem, &a);
	u->email = a.email;
	u->name = form_line(f, "name", 0, USER_NAME_MAX);
	u->admin = admin;
	password = password_chosen(f, u->email);
	if (!form_ok(f))
		return ERR_INVALID;
	u->password_hash = password_hash(u, password);
	e = user_add(db, u, a.key, now);
	if (e == ERR_CONFLICT)
		return form_fail(f, "email",
		    "There is an account with this address already.");
	*out = u;
	return e;
}

/* ---- signing in ---- */

static enum err too_often(struct form *f, int seconds)
{
	if (seconds > 90)
		form_fail(f, "password",
		    "Too many tries. Wait %d minutes, then try again.",
		    (seconds + 59) / 60);
	else
		form_fail(f, "password",
		    "Too many tries. Wait %d seconds, then try again.", seconds);
	return ERR_LIMITED;
}

enum err sign_in_from(const struct visit *v, void *mem, int *retry_after)
{
	const char *ip = kv_key(mem, "rate:sign-in:ip", limit_address(mem, v->ip));

	return limit_hit(v->kv, ip, v->now, IP_WINDOW_S, IP_TRIES, retry_after);
}

/* Counts this try; *left: how many more the account has. */
static enum err count_try(const struct visit *v, void *mem, const char *email_key,
    int *left, int *retry_after)
{
	const char *account = kv_key(mem, "rate:sign-in:account", email_key);
	struct limit l = { .window_s = ACCOUNT_WINDOW_S, .max = ACCOUNT_TRIES };
	enum err e = sign_in_from(v, mem, retry_after);

	if (e != OK)
		return e;
	e = limit_spend(v->kv, account, v->now, &l);
	*left = l.left;
	*retry_after = l.retry_after;
	return e;
}

static enum err no_match(struct form *f, int left)
{
	if (left > 5)
		return form_fail(f, "password", "Email and password don’t match.");
	if (left > 0)
		return form_fail(f, "password",
		    "Email and password don’t match. %d %s left, then a pause of 15 "
		    "minutes.",
		    left, left == 1 ? "try" : "tries");
	return form_fail(f, "password",
	    "Email and password don’t match. That was the last try; pause for 15 "
	    "minutes.");
}

enum err sign_in(const struct visit *v, void *mem, struct form *f, struct user **out,
    int *retry_after)
{
	const char *password = form_get(f, "password");
	struct user *u = NULL;
	struct address a;
	int left = 0;
	enum err e;

	*retry_after = 0;
	given_address(f, mem, &a);
	if (text_empty(password))
		form_fail(f, "password", "Enter your password.");
	else if (strlen(password) > 4 * PASSWORD_MAX)
		form_fail(f, "password", "A password has at most %d characters.",
		    PASSWORD_MAX);
	if (!form_ok(f))
		return ERR_INVALID;
	e = count_try(v, mem, a.key, &left, retry_after);
	if (e == ERR_LIMITED)
		return too_often(f, *retry_after);
	if (e == OK)
		e = user_find(v->db, mem, a.key, &u);
	if (e != OK && e != ERR_NOTFOUND)
		return e;
	if (!password_matches(v, u, password))
		return no_match(f, left);
	*out = u;
	return OK;
}
