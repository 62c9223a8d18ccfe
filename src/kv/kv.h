#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"

/*
 * Fast shared state that may vanish at any moment: memcached, or a table in this
 * process when there is none.  Keys are made of our own words and numbers; anything
 * from outside is hashed (kv_key).  The key is stored inside the value and checked on
 * reading.  When the server fails, operations return ERR_BUSY within 100 ms and the
 * caller goes on without.
 */
struct kv;

/* servers: as config memcached.servers; "" gives the local table. Made after fork. */
enum err kv_open(void *mem, const char *servers, const struct log *lg,
    struct kv **out) MUST_CHECK;
/*
 * Counters that are kept without a server are from now on those of all processes of
 * this host, in a file of state_dir.  Call it in the process that counts.
 */
void kv_share_counters(struct kv *kv, const char *state_dir);
bool kv_is_shared(const struct kv *kv); /* false: local table, this process only */
bool kv_alive(struct kv *kv);           /* a set and get work right now */
/* prefix + ":" + hex SHA-256 of `outside`, owned by mem. */
char *kv_key(void *mem, const char *prefix, const char *outside);

enum err kv_get(struct kv *kv, void *mem, const char *key, char **value,
    size_t *len) MUST_CHECK;
enum err kv_set(struct kv *kv, const char *key, const void *value, size_t len,
    int ttl_s);
/* ERR_CONFLICT if it exists. */
enum err kv_add(struct kv *kv, const char *key, const void *value, size_t len,
    int ttl_s) MUST_CHECK;
enum err kv_delete(struct kv *kv, const char *key);
/*
 * Replaces a text only if it is still `old`; ERR_CONFLICT otherwise. ttl_s < 0 removes
 * it.
 */
enum err kv_swap(struct kv *kv, const char *key, const char *old, const char *value,
    int ttl_s) MUST_CHECK;
/* Adds `by` to a counter that starts at 0 and lives ttl_s from its first use. */
enum err kv_count(struct kv *kv, const char *key, int64_t by, int ttl_s,
    int64_t *now) MUST_CHECK;
