#include "service/auth.h"

#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/setting.h"
#include "repo/user.h"
#include "service/account.h"
#include "service/address.h"
#include "service/door.h"

static const char setup_key[] = "setup_token";

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

static enum err no_match(struct form *f, const struct door *d)
{
	static const char sorry[] = "Email and password don’t match.";

	if (d->left == 0)
		return form_fail(f, "password",
		    "%s That was the last try; pause for 15 minutes.", sorry);
	if (d->wait == 0)
		return form_fail(f, "password", "%s", sorry);
	return form_fail(f, "password",
	    "%s Wait %d seconds before you try again; after %d more %s comes a pause "
	    "of 15 minutes.",
	    sorry, d->wait, d->left, d->left == 1 ? "try" : "tries");
}

enum err sign_in(const struct visit *v, void *mem, struct form *f, struct user **out,
    int *retry_after)
{
	const char *password = form_get(f, "password");
	struct user *u = NULL;
	struct address a;
	struct door d = { 0 };
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
	e = door_knock(v, mem, a.key, &d);
	if (e == ERR_LIMITED) {
		*retry_after = d.wait;
		return too_often(f, d.wait);
	}
	if (e == OK)
		e = user_find(v->db, mem, a.key, &u);
	if (e != OK && e != ERR_NOTFOUND)
		return e;
	if (password_matches(v, u, password)) {
		door_welcome(v, &d);
		*out = u;
		return OK;
	}
	door_refuse(v, mem, &d);
	return no_match(f, &d);
}
