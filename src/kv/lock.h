#pragma once

#include "kv/kv.h"

/*
 * A lock that expires.  A hint that saves work, never the guard against sending twice:
 * that is the ledger.  Only the owner renews and releases (compare and swap).  Without
 * a shared server lock_take succeeds (kv_is_shared tells) and the ledger alone decides.
 */
struct lock {
	struct kv *kv;
	char key[96], owner[33];
	int ttl_s;
	bool held;
};
/* ERR_CONFLICT: held by another */
enum err lock_take(struct kv *kv, const char *key, int ttl_s,
    struct lock *out) MUST_CHECK;
enum err lock_renew(struct lock *l) MUST_CHECK; /* ERR_CONFLICT: lost */
void lock_release(struct lock *l);
