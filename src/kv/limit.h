#pragma once

#include "kv/kv.h"

/*
 * Counts `key` in windows of window_s seconds (the window number is part of the key).
 * ERR_LIMITED and *retry_after (seconds) when more than max.  Without a server, and
 * while it fails, the processes of this host count together, to the same max.
 */
enum err limit_hit(struct kv *kv, const char *key, int64_t now_ms, int window_s,
    int max, int *retry_after) MUST_CHECK;

/* As limit_hit; `left` is how many more are allowed in this window after this one. */
struct limit {
	int window_s, max;     /* given */
	int left, retry_after; /* answered */
};
enum err limit_spend(struct kv *kv, const char *key, int64_t now_ms,
    struct limit *l) MUST_CHECK;
/* Takes one back: what it was spent on went well. */
void limit_return(struct kv *kv, const char *key, int64_t now_ms, struct limit *l);
/* As kv_count; without a server, and while it fails, on this host. */
enum err limit_count(struct kv *kv, const char *key, int64_t by, int ttl_s,
    int64_t *n) MUST_CHECK;
/* What limits count a client by: an IPv4 address as it is, an IPv6 address's /64. */
char *limit_address(void *mem, const char *ip);

/* A rate that all processes share, by its key. */
struct shared_rate {
	const char *key;
	double rate;    /* a second */
	int processes;  /* sharing it, each its part when there is no server */
	int64_t now_us; /* UTC microseconds; 0: as the system's clock says */
};
/*
 * Token bucket shared by all processes: takes up to `want` tokens of a bucket filled at
 * `rate` per second (capacity: half a second's worth, at least 1).  *granted may be
 * less than want; when 0, *wait_ms says when to ask again.  Without a shared server
 * each process gets rate / processes.  Never more than the rate, whatever happens to
 * the server: each bucket starts empty, and when a server is back it grants nothing for
 * as long as some process may not have noticed.
 */
enum err bucket_take(struct kv *kv, const struct shared_rate *shared, int want,
    int *granted, int *wait_ms) MUST_CHECK;
