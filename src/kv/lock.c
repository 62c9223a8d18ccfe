#include "kv/lock.h"

#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"

enum err lock_take(struct kv *kv, const char *key, int ttl_s, struct lock *out)
{
	char *owner = id_random(NULL);
	enum err e = OK;

	*out = (struct lock){ .kv = kv, .ttl_s = ttl_s };
	snprintf(out->key, sizeof(out->key), "%s", key);
	snprintf(out->owner, sizeof(out->owner), "%s", owner);
	mem_free(owner);
	if (strlen(key) >= sizeof(out->key))
		return ERR_INTERNAL;
	if (kv_is_shared(kv))
		e = kv_add(kv, out->key, out->owner, strlen(out->owner), ttl_s);
	if (e == ERR_BUSY)
		e = OK; /* it is a hint: no server, no hint */
	out->held = e == OK;
	return e;
}

/*
 * A lock that is simply gone (expired, evicted, the server restarted) is taken again;
 * only one that another has taken since is lost.
 */
enum err lock_renew(struct lock *l)
{
	size_t n = strlen(l->owner);
	enum err e;

	if (!l->held)
		return ERR_CONFLICT;
	if (!kv_is_shared(l->kv))
		return OK;
	e = kv_swap(l->kv, l->key, l->owner, l->owner, l->ttl_s);
	if (e == ERR_CONFLICT)
		e = kv_add(l->kv, l->key, l->owner, n, l->ttl_s);
	if (e == ERR_BUSY)
		e = OK;
	l->held = e == OK;
	return e;
}

void lock_release(struct lock *l)
{
	bool there = l->held && kv_is_shared(l->kv);

	l->held = false;
	/* if this fails the lock runs out by itself */
	if (there && kv_swap(l->kv, l->key, l->owner, "", -1) != OK)
		return;
}
