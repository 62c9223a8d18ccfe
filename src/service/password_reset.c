#include "service/password_reset.h"

#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include "kv/limit.h"
#include "repo/password_reset.h"
#include "repo/user.h"
#include "service/account.h"
#include "service/address.h"

enum { HOUR_S = 3600, IP_TRIES = 10, ACCOUNT_TRIES = 3, WORD_MAX = 64 };

static enum err given_address(void *mem, struct form *f, struct address *a)
{
	const char *text = form_line(f, "email", 0, EMAIL_MAX), *why = NULL;

	if (form_error(f, "email"))
		return ERR_INVALID;
	if (text_empty(text))
		return form_fail(f, "email", "Enter the address of your account.");
	if (address_parse(mem, text, a, &why) != OK)
		return form_fail(f, "email", "%s", why);
	return OK;
}

enum err password_reset_ask(const struct visit *v, void *mem, struct form *f,
    int *retry_after)
{
	const char *ip = kv_key(mem, "rate:reset:ip", limit_address(mem, v->ip));
	struct address a;
	enum err e = given_address(mem, f, &a);

	*retry_after = 0;
	if (e == OK)
		e = limit_hit(v->kv, ip, v->now, HOUR_S, IP_TRIES, retry_after);
	if (e == ERR_LIMITED)
		form_fail(f, "email",
		    "Too many links were asked for from here. Wait %d minutes, then "
		    "try again.",
		    (*retry_after + 59) / 60);
	return e;
}

enum err password_reset_for(const struct visit *v, void *mem, struct form *f,
    struct user **out)
{
	const char *account;
	struct address a = { 0 };
	int wait;
	enum err e = given_address(mem, f, &a);

	if (e == OK)
		e = user_find(v->db, mem, a.key, out);
	if (e == OK && ((*out)->disabled || !(*out)->password_hash))
		e = ERR_NOTFOUND;
	if (e != OK)
		return e;
	account = kv_key(mem, "rate:reset:account", a.key);
	return limit_hit(v->kv, account, v->now, HOUR_S, ACCOUNT_TRIES, &wait);
}

enum err password_reset_make(const struct visit *v, void *mem, int64_t user_id,
    char **word)
{
	uint8_t hash[32];

	*word = id_secret(mem);
	sha256(*word, strlen(*word), hash);
	return password_reset_add(v->db, user_id, hash, v->now, v->now + RESET_LIFE_MS);
}

static enum err enabled_user(const struct visit *v, void *mem, int64_t id,
    struct user **out)
{
	enum err e = user_get(v->db, mem, id, out);

	return e == OK && (*out)->disabled ? ERR_NOTFOUND : e;
}

enum err password_reset_check(const struct visit *v, void *mem, const char *word,
    struct user **out)
{
	uint8_t hash[32];
	int64_t id;
	enum err e;

	if (strlen(word) > WORD_MAX)
		return ERR_NOTFOUND;
	sha256(word, strlen(word), hash);
	e = password_reset_get(v->db, hash, v->now, &id);
	return e == OK ? enabled_user(v, mem, id, out) : e;
}

enum err password_reset_complete(const struct visit *v, void *mem, const char *word,
    struct form *f, struct user **out)
{
	TX_SCOPE tx = { 0 };
	const char *password;
	uint8_t hash[32];
	int64_t id;
	enum err e = password_reset_check(v, mem, word, out);

	if (e != OK)
		return e;
	password = password_chosen(f, (*out)->email);
	if (!form_ok(f))
		return ERR_INVALID;
	password = account_hash(v, mem, password);
	sha256(word, strlen(word), hash);
	e = tx_begin(v->db, &tx);
	if (e == OK)
		e = password_reset_take(v->db, hash, v->now, &id);
	if (e == OK)
		e = account_put_password(v, *out, password, 0);
	return e == OK ? tx_commit(&tx) : e;
}
