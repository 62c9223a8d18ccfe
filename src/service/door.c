#include "service/door.h"

#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include "kv/limit.h"

enum {
	IP_WINDOW_S = 60,
	IP_TRIES = 5,
	ACCOUNT_WINDOW_S = 15 * 60,
	ACCOUNT_TRIES = 10,
	NAME_CHARS = 32,
	KNOWN_MAX = 200,
};

enum err door_from(const struct visit *v, void *mem, int *wait)
{
	const char *ip = kv_key(mem, "rate:sign-in:ip", limit_address(mem, v->ip));

	return limit_hit(v->kv, ip, v->now, IP_WINDOW_S, IP_TRIES, wait);
}

/* ---- browsers that were here before: a name, and a MAC over it and the account ----
 */

static char *mac_of(const struct visit *v, void *mem, const char *name,
    const char *email_key)
{
	char *text = mem_printf(mem, "known:%s:%s", name, email_key);
	uint8_t mac[32];

	hmac_sha256(v->keys->mac, sizeof(v->keys->mac), text, strlen(text), mac);
	return base64url_encode(mem, mac, sizeof(mac));
}

char *door_known(const struct visit *v, void *mem, const char *email_key)
{
	char *name = id_random(mem);

	return mem_printf(mem, "%s.%s", name, mac_of(v, mem, name, email_key));
}

bool door_knows(const struct visit *v, void *mem, const char *email_key)
{
	const char *mac;
	size_t n;

	if (text_empty(v->known) || strnlen(v->known, KNOWN_MAX) == KNOWN_MAX ||
	    strcspn(v->known, ".") != NAME_CHARS || v->known[NAME_CHARS] == '\0')
		return false;
	mac = mac_of(v, mem, mem_strn(mem, v->known, NAME_CHARS), email_key);
	n = strlen(mac);
	return strlen(v->known) == NAME_CHARS + 1 + n &&
	    equal_secret(v->known + NAME_CHARS + 1, mac, n);
}

/* ---- tries ---- */

static const char *pause_key(void *mem, const struct door *d)
{
	return mem_printf(mem, "%s:pause", d->key);
}

/* Seconds that are left of a pause. */
static int paused(const struct visit *v, void *mem, const struct door *d)
{
	int64_t until;
	char *text;
	size_t n;

	if (kv_get(v->kv, mem, pause_key(mem, d), &text, &n) != OK ||
	    !text_to_int(text, 0, INT64_MAX, &until) || until <= v->now ||
	    until - v->now > ACCOUNT_WINDOW_S * 1000)
		return 0;
	return (int)((until - v->now + 999) / 1000);
}

enum err door_knock(const struct visit *v, void *mem, const char *email_key,
    struct door *d)
{
	struct limit l = { .window_s = ACCOUNT_WINDOW_S, .max = ACCOUNT_TRIES };
	enum err e = door_from(v, mem, &d->wait);

	if (e != OK)
		return e;
	d->key = door_knows(v, mem, email_key)
	    ? kv_key(mem, "rate:sign-in:known", v->known)
	    : kv_key(mem, "rate:sign-in:account", email_key);
	d->wait = paused(v, mem, d);
	if (d->wait > 0)
		return ERR_LIMITED;
	e = limit_spend(v->kv, d->key, v->now, &l);
	d->left = l.left;
	d->wait = l.retry_after;
	return e;
}

void door_refuse(const struct visit *v, void *mem, struct door *d)
{
	char text[24];
	int64_t until;
	int n;

	if (d->left == 0 || d->left > ACCOUNT_TRIES / 2)
		return; /* at none, the window says when */
	d->wait = 2 << (ACCOUNT_TRIES / 2 - d->left);
	until = v->now + INT64_C(1000) * d->wait;
	n = snprintf(text, sizeof(text), "%lld", (long long)until);
	kv_set(v->kv, pause_key(mem, d), text, (size_t)n, d->wait + 1);
}
