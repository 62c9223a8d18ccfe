#include "service/second_factor.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/totp.h"
#include "kv/limit.h"
#include "repo/recovery_code.h"
#include "repo/user.h"
#include "service/account.h"
#include "service/door.h"

enum {
	RECOVERY_BYTES = 10,
	RECOVERY_CHARS = 16,
	CODE_MAX = 40,
	PENDING_MAX = 4096,
	MARK_CHARS = 32,
	ACCOUNT_WINDOW_S = 15 * 60,
	ACCOUNT_TRIES = 10,
};

/* ---- between the two steps of signing in ---- */

static const char pending_context[] = "sign-in";

/* Changes with the password and with the second factor. */
static char *mark_of(void *mem, const struct user *u)
{
	struct buf *b = buf_new(mem);
	uint8_t hash[32];

	buf_str(b, u->password_hash ? u->password_hash : "");
	buf_char(b, '\0');
	buf_add(b, u->totp_secret, u->totp_len);
	sha256(b->data, b->len, hash);
	return mem_strn(mem, hex_encode(mem, hash, sizeof(hash)), MARK_CHARS);
}

static char *seal(const struct visit *v, void *mem, const char *context,
    const char *plain)
{
	size_t len;
	const void *box = secret_seal(mem, v->keys, context, plain, &len);

	return base64url_encode(mem, box, len);
}

static enum err unseal(const struct visit *v, void *mem, const char *context,
    const char *sealed, char **plain)
{
	uint8_t *box;
	size_t len;

	if (strlen(sealed) > PENDING_MAX ||
	    !base64url_decode(mem, sealed, &box, &len) ||
	    secret_open(mem, v->keys, context, box, len, plain) != OK)
		return ERR_NOTFOUND;
	return OK;
}

char *second_factor_pending(const struct visit *v, void *mem, const struct user *u,
    const char *next)
{
	struct json_object *o = json_obj(mem);

	json_set_int(o, "user", u->id);
	json_set_int(o, "at", v->now);
	json_set_text(o, "mark", mark_of(mem, u));
	json_set_text(o, "next", next);
	return seal(v, mem, pending_context, json_write(mem, o));
}

enum err second_factor_whose(const struct visit *v, void *mem, const char *pending,
    struct user **out, const char **next)
{
	struct json_object *o;
	int64_t age;
	char *plain;
	enum err e = unseal(v, mem, pending_context, pending, &plain);

	if (e != OK || json_read(mem, plain, strlen(plain), &o, NULL) != OK)
		return ERR_NOTFOUND;
	age = v->now - json_int(o, "at", 0);
	if (age < 0 || age > PENDING_LIFE_S * 1000)
		return ERR_NOTFOUND;
	e = user_get(v->db, mem, json_int(o, "user", 0), out);
	if (e != OK)
		return e;
	if ((*out)->disabled || !(*out)->totp_secret ||
	    !text_equal(json_text(o, "mark", ""), mark_of(mem, *out)))
		return ERR_NOTFOUND;
	*next = json_text(o, "next", "/");
	return OK;
}

/* ---- a code ---- */

static enum err too_often(struct form *f, int seconds)
{
	if (seconds > 90)
		form_fail(f, "code", "Too many tries. Wait %d minutes, then try again.",
		    (seconds + 59) / 60);
	else
		form_fail(f, "code", "Too many tries. Wait %d seconds, then try again.",
		    seconds);
	return ERR_LIMITED;
}

static const struct limit tries = { .window_s = ACCOUNT_WINDOW_S,
	.max = ACCOUNT_TRIES };

static const char *tries_key(void *mem, const struct user *u)
{
	return mem_printf(mem, "rate:code:account:%lld", (long long)u->id);
}

static enum err count_try(const struct visit *v, void *mem, const struct user *u,
    struct form *f, int *retry_after)
{
	struct limit l = tries;
	enum err e = door_from(v, mem, retry_after);

	if (e != OK)
		return e == ERR_LIMITED ? too_often(f, *retry_after) : e;
	e = limit_spend(v->kv, tries_key(mem, u), v->now, &l);
	*retry_after = l.retry_after;
	return e == ERR_LIMITED ? too_often(f, *retry_after) : e;
}

/* What was typed without spaces and dashes; "" and a sentence if it can be no code. */
static const char *typed(void *mem, struct form *f)
{
	const char *text = form_line(f, "code", 0, CODE_MAX);
	char *code = mem_str(mem, text), *to = code;

	for (const char *s = text; *s; s++)
		if (*s != ' ' && *s != '-')
			*to++ = (char)tolower((unsigned char)*s);
	*to = '\0';
	if (form_error(f, "code"))
		return "";
	if (!*code)
		form_fail(f, "code", "Enter the code that your authenticator shows.");
	else if (strlen(code) != TOTP_DIGITS && strlen(code) != RECOVERY_CHARS)
		form_fail(f, "code",
		    "A code has six digits; a recovery code has four groups of four.");
	return code;
}

static enum err take_totp(const struct visit *v, void *mem, const struct user *u,
    const char *code)
{
	const char *context = mem_printf(mem, "totp:%lld", (long long)u->id);
	uint8_t secret[TOTP_SECRET_BYTES];
	int64_t step;
	char *text;
	enum err e =
	    secret_open(mem, v->keys, context, u->totp_secret, u->totp_len, &text);

	if (e != OK || base32_decode(text, secret, sizeof(secret)) != OK)
		return ERR_INTERNAL;
	step = totp_step(secret, sizeof(secret), code, v->now);
	return step < 0 ? ERR_NOTFOUND : user_take_step(v->db, u->id, step);
}

static enum err take_recovery(const struct visit *v, const struct user *u,
    const char *code, struct second_factor_try *t)
{
	uint8_t hash[32];
	enum err e;

	sha256(code, strlen(code), hash);
	e = recovery_code_take(v->db, u->id, hash);
	if (e == OK)
		e = recovery_code_count(v->db, u->id, &t->left);
	t->recovery = e == OK;
	return e;
}

enum err second_factor_check(const struct visit *v, void *mem, const struct user *u,
    struct form *f, struct second_factor_try *t)
{
	const char *code = typed(mem, f);
	enum err e;

	*t = (struct second_factor_try){ 0 };
	if (!form_ok(f))
		return ERR_INVALID;
	e = count_try(v, mem, u, f, &t->retry_after);
	if (e == OK && strlen(code) == TOTP_DIGITS)
		e = take_totp(v, mem, u, code);
	else if (e == OK)
		e = take_recovery(v, u, code, t);
	if (e == OK) { /* it counts against nobody */
		struct limit l = tries;

		limit_return(v->kv, tries_key(mem, u), v->now, &l);
	}
	if (e != ERR_NOTFOUND)
		return e;
	return form_fail(f, "code",
	    strlen(code) == TOTP_DIGITS
		? "This code does not fit, or was used already. Wait for the next one."
		: "This recovery code does not fit, or was used already.");
}

/* ---- having one ---- */

char *second_factor_secret(void *mem)
{
	uint8_t secret[TOTP_SECRET_BYTES];

	random_bytes(secret, sizeof(secret));
	return base32_encode(mem, secret, sizeof(secret));
}

char *second_factor_uri(void *mem, const char *host, const char *email,
    const char *secret)
{
	const char *issuer = url_encode(mem, mem_printf(mem, "Maillayer %s", host));

	return mem_printf(mem, "otpauth://totp/%s:%s?secret=%s&issuer=%s", issuer,
	    url_encode(mem, email), secret, issuer);
}

static const char *new_context(void *mem, int64_t session_id)
{
	return mem_printf(mem, "totp-new:%lld", (long long)session_id);
}

char *second_factor_seal(const struct visit *v, void *mem, int64_t session_id,
    const char *secret)
{
	return seal(v, mem, new_context(mem, session_id), secret);
}

enum err second_factor_unseal(const struct visit *v, void *mem, int64_t session_id,
    const char *sealed, char **secret)
{
	return unseal(v, mem, new_context(mem, session_id), sealed, secret);
}

/* Ten codes in groups of four; their hashes replace those there were. */
static enum err put_codes(const struct visit *v, void *mem, const struct user *u,
    const char **codes)
{
	uint8_t hashes[RECOVERY_CODES][32], bytes[RECOVERY_BYTES];

	for (int i = 0; i < RECOVERY_CODES; i++) {
		char *c;

		random_bytes(bytes, sizeof(bytes));
		c = text_lower(mem, base32_encode(mem, bytes, sizeof(bytes)));
		sha256(c, strlen(c), hashes[i]);
		codes[i] =
		    mem_printf(mem, "%.4s-%.4s-%.4s-%.4s", c, c + 4, c + 8, c + 12);
	}
	return recovery_code_put(v->db, u->id, hashes, RECOVERY_CODES);
}

static enum err set_factor(const struct visit *v, struct user *u, const char *secret)
{
	const char *context = mem_printf(u, "totp:%lld", (long long)u->id);
	size_t len = 0;

	u->totp_secret = secret ? secret_seal(u, v->keys, context, secret, &len) : NULL;
	u->totp_len = len;
	return user_set_totp(v->db, u, v->now);
}

enum err second_factor_enable(const struct visit *v, void *mem, struct user *u,
    struct form *f, struct second_factor_new *n)
{
	TX_SCOPE tx = { 0 };
	uint8_t secret[TOTP_SECRET_BYTES];
	const char *code = typed(mem, f);
	enum err e;

	if (base32_decode(n->secret, secret, sizeof(secret)) != OK)
		return ERR_INVALID;
	u->totp_step = totp_step(secret, sizeof(secret), code, v->now);
	if (u->totp_step < 0)
		form_fail(f, "code",
		    "This is not the code of now. Is the clock of your device right?");
	if (text_empty(form_get(f, "current_password")))
		form_fail(f, "current_password", "Enter your password.");
	if (!form_ok(f))
		return ERR_INVALID;
	e = account_prove(v, mem, u, f, &n->retry_after);
	if (e == OK)
		e = tx_begin(v->db, &tx);
	if (e == OK)
		e = set_factor(v, u, n->secret);
	if (e == OK)
		e = put_codes(v, mem, u, n->codes);
	return e == OK ? tx_commit(&tx) : e;
}

enum err second_factor_remove(const struct visit *v, struct user *u)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(v->db, &tx);

	if (e == OK)
		e = set_factor(v, u, NULL);
	if (e == OK)
		e = recovery_code_put(v->db, u->id, NULL, 0);
	return e == OK ? tx_commit(&tx) : e;
}

enum err second_factor_disable(const struct visit *v, void *mem, struct user *u,
    struct form *f, int *retry_after)
{
	struct second_factor_try t;
	enum err e = account_prove(v, mem, u, f, retry_after);

	if (e != OK)
		return e;
	e = second_factor_check(v, mem, u, f, &t);
	*retry_after = t.retry_after;
	return e == OK ? second_factor_remove(v, u) : e;
}

enum err second_factor_recover(const struct visit *v, void *mem, const struct user *u,
    struct form *f, struct second_factor_new *n)
{
	TX_SCOPE tx = { 0 };
	enum err e = account_prove(v, mem, u, f, &n->retry_after);

	if (e == OK)
		e = tx_begin(v->db, &tx);
	if (e == OK)
		e = put_codes(v, mem, u, n->codes);
	return e == OK ? tx_commit(&tx) : e;
}
