#include "service/door.h"

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
	PAUSE_EPOCH = 1700000000, /* of a pause, UTC seconds */
};

static const struct limit account = { .window_s = ACCOUNT_WINDOW_S,
	.max = ACCOUNT_TRIES };

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

/*
 * A counter holds the second until which it is paused, from PAUSE_EPOCH on: so it is
 * known to all that count tries, with memcached and without.
 */
static enum err pause_until(const struct visit *v, void *mem, const struct door *d,
    int64_t by, int64_t *second)
{
	return limit_count(v->kv, pause_key(mem, d), by, 2 * ACCOUNT_WINDOW_S, second);
}

/* Seconds that are left of a pause. */
static int paused(const struct visit *v, void *mem, const struct door *d)
{
	int64_t second, left;

	if (pause_until(v, mem, d, 0, &second) != OK)
		return 0;
	left = (second + PAUSE_EPOCH) * 1000 - v->now;
	return left > 0 && left <= ACCOUNT_WINDOW_S * 1000 ? (int)((left + 999) / 1000)
							   : 0;
}

enum err door_knock(const struct visit *v, void *mem, const char *email_key,
    struct door *d)
{
	struct limit l = account;
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
	int64_t was, until;

	if (d->left == 0 || d->left > ACCOUNT_TRIES / 2)
		return; /* at none, the window says when */
	d->wait = 2 << (ACCOUNT_TRIES / 2 - d->left);
	until = (v->now + 999) / 1000 + d->wait - PAUSE_EPOCH;
	if (pause_until(v, mem, d, 0, &was) == OK &&
	    pause_until(v, mem, d, until - was, &was) != OK)
		return; /* it is the window that ends the tries then */
}

void door_welcome(const struct visit *v, const struct door *d)
{
	struct limit l = account;

	limit_return(v->kv, d->key, v->now, &l);
}
