#pragma once

#include "kv/kv.h"

/*
 * What a store must do; inside this layer only.  Keys are checked and values carry
 * their key before a driver sees them (kv.c).  ERR_BUSY: the server did not answer as
 * it should.
 */
struct kv_value {
	char *data; /* NUL-terminated when read; the NUL is not counted */
	size_t len;
	uint64_t version; /* when read: changes with each store */
};

/* KV_SWAP: only if the version is still v->version */
enum kv_how { KV_SET, KV_ADD, KV_SWAP };

struct kv_driver {
	/* ERR_NOTFOUND when there is none. */
	enum err (*get)(void *self, void *mem, const char *key, struct kv_value *out);
	/* ERR_CONFLICT: exists (KV_ADD), changed or gone (KV_SWAP). ttl_s < 0: remove.
	 */
	enum err (*store)(void *self, const char *key, const struct kv_value *v,
	    enum kv_how how, int ttl_s);
	enum err (*drop)(void *self, const char *key); /* OK when there is none */
	enum err (
	    *count)(void *self, const char *key, int64_t by, int ttl_s, int64_t *now);
	/* The answers of the server of this key cannot be trusted: connect anew. */
	void (*distrust)(void *self, const char *key);
};

struct kv {
	const struct kv_driver *driver;
	void *store;         /* of the driver */
	struct kv *here;     /* table of this process: the fallback; NULL in itself */
	struct tally *tally; /* counters of the host; NULL: only of this process */
	const struct log *log;
	bool down; /* said in the log */
};

/* memcached.c. ERR_INVALID if `servers` cannot be read. */
extern const struct kv_driver kv_memcached;
enum err kv_memcached_open(void *mem, const char *servers, void **store) MUST_CHECK;

/* local.c: bounded, so that nobody can fill the memory. */
extern const struct kv_driver kv_local;
void *kv_local_open(void *mem);

/* The table of this process, whether or not there is a server. */
struct kv *kv_here(struct kv *kv);
