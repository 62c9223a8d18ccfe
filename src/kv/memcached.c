#include "kv/kv_driver.h"

#include <libmemcached/memcached.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

/*
 * The ASCII protocol: in the binary one an item cannot be made to expire at once
 * through compare-and-swap.  After any answer that is not one of the expected, the
 * connection is closed, because what comes next on it may belong to another question,
 * and the server is left alone for a moment, so that a hanging one costs a page one
 * time-out and not five.
 */
enum { PATIENCE_MS = 100, REST_MS = 1000, SERVERS_MAX = 32, PORT = 11211 };

struct servers {
	memcached_st *mc;
	int64_t rests_until[SERVERS_MAX]; /* monotonic milliseconds */
};

static int close_all(struct servers *s)
{
	memcached_free(s->mc);
	return 0;
}

static bool set_up(memcached_st *mc)
{
	static const struct {
		memcached_behavior_t what;
		uint64_t value;
	} behaviours[] = {
		{ MEMCACHED_BEHAVIOR_BINARY_PROTOCOL, 0 },
		{ MEMCACHED_BEHAVIOR_KETAMA, 1 },
		{ MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1 },
		{ MEMCACHED_BEHAVIOR_VERIFY_KEY, 1 },
		{ MEMCACHED_BEHAVIOR_TCP_NODELAY, 1 },
		{ MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, PATIENCE_MS },
		{ MEMCACHED_BEHAVIOR_POLL_TIMEOUT, PATIENCE_MS },
		{ MEMCACHED_BEHAVIOR_SND_TIMEOUT, PATIENCE_MS * 1000 },
		{ MEMCACHED_BEHAVIOR_RCV_TIMEOUT, PATIENCE_MS * 1000 },
		{ MEMCACHED_BEHAVIOR_RETRY_TIMEOUT, 1 },
	};

	for (size_t i = 0; i < sizeof(behaviours) / sizeof(behaviours[0]); i++) {
		if (memcached_behavior_set(mc, behaviours[i].what,
			behaviours[i].value) != MEMCACHED_SUCCESS)
			return false;
	}
	return true;
}

/* "host", "host:port", "[::1]:port" or "unix:/path"; cut into its parts in place. */
static bool add_server(memcached_st *mc, char *text)
{
	char *colon = strrchr(text, ':'), *bracket = strrchr(text, ']');
	int64_t port = PORT;

	if (text_starts(text, "unix:"))
		return text[5] == '/' &&
		    memcached_server_add_unix_socket(mc, text + 5) == MEMCACHED_SUCCESS;
	if (colon != NULL && (bracket == NULL || colon > bracket)) {
		if (!text_to_int(colon + 1, 1, 65535, &port))
			return false;
		*colon = '\0';
	}
	if (text[0] == '[' && bracket != NULL) {
		*bracket = '\0';
		text++;
	}
	return text[0] != '\0' &&
	    memcached_server_add(mc, text, (in_port_t)port) == MEMCACHED_SUCCESS;
}

enum err kv_memcached_open(void *mem, const char *servers, void **store)
{
	struct servers *s = mem_new(mem, struct servers);
	char *rest = mem_str(s, servers), *one;
	int n = 0;

	s->mc = memcached_create(NULL);
	if (s->mc == NULL)
		return ERR_INTERNAL;
	mem_on_free(s, close_all);
	if (!set_up(s->mc))
		return ERR_INTERNAL;
	while ((one = strsep(&rest, ",")) != NULL) {
		if (++n > SERVERS_MAX || !add_server(s->mc, text_trim(s, one)))
			return ERR_INVALID;
	}
	*store = s;
	return OK;
}

/* ---- trust ---- */

static int64_t *rest_of(struct servers *s, const char *key)
{
	return &s->rests_until[memcached_generate_hash(s->mc, key, strlen(key)) %
	    SERVERS_MAX];
}

static bool resting(struct servers *s, const char *key)
{
	return clock_mono_ms() < *rest_of(s, key);
}

static void distrust(void *self, const char *key)
{
	struct servers *s = self;

	*rest_of(s, key) = clock_mono_ms() + REST_MS;
	memcached_quit(s->mc);
}

static enum err failed(struct servers *s, const char *key)
{
	distrust(s, key);
	return ERR_BUSY;
}

/* ---- operations ---- */

static enum err take_result(struct servers *s, void *mem, const char *key,
    memcached_result_st *r, struct kv_value *out)
{
	size_t n = memcached_result_length(r);

	if (memcached_result_key_length(r) != strlen(key) ||
	    memcmp(memcached_result_key_value(r), key, strlen(key)) != 0)
		return failed(s, key);
	out->data = mem_array(mem, char, n + 1);
	if (n > 0)
		memcpy(out->data, memcached_result_value(r), n);
	out->len = n;
	out->version = memcached_result_cas(r);
	return OK;
}

static enum err get(void *self, void *mem, const char *key, struct kv_value *out)
{
	struct servers *s = self;
	size_t n = strlen(key);
	memcached_result_st *r;
	memcached_return_t rc;
	enum err e = ERR_NOTFOUND;

	if (resting(s, key))
		return ERR_BUSY;
	if (memcached_mget(s->mc, &key, &n, 1) != MEMCACHED_SUCCESS)
		return failed(s, key);
	/* to the end: an unread answer would be taken for the next one */
	while ((r = memcached_fetch_result(s->mc, NULL, &rc)) != NULL) {
		e = take_result(s, mem, key, r, out);
		memcached_result_free(r);
		if (e != OK)
			return e;
	}
	if (rc != MEMCACHED_END && rc != MEMCACHED_NOTFOUND && rc != MEMCACHED_SUCCESS)
		return failed(s, key);
	return e;
}

/* The answers that mean what they say; any other is a failure. */
static enum err outcome(struct servers *s, const char *key, memcached_return_t rc)
{
	switch (rc) {
	case MEMCACHED_SUCCESS:
	case MEMCACHED_STORED: return OK;
	case MEMCACHED_NOTSTORED:
	case MEMCACHED_DATA_EXISTS:
	case MEMCACHED_NOTFOUND: return ERR_CONFLICT;
	default: return failed(s, key);
	}
}

static enum err store(void *self, const char *key, const struct kv_value *v,
    enum kv_how how, int ttl_s)
{
	struct servers *s = self;
	memcached_return_t rc = MEMCACHED_FAILURE;
	size_t n = strlen(key);
	time_t expires = ttl_s; /* -1: expired already */

	if (resting(s, key))
		return ERR_BUSY;
	switch (how) {
	case KV_SET:
		rc = memcached_set(s->mc, key, n, v->data, v->len, expires, 0);
		break;
	case KV_ADD:
		rc = memcached_add(s->mc, key, n, v->data, v->len, expires, 0);
		break;
	case KV_SWAP:
		rc = memcached_cas(s->mc, key, n, v->data, v->len, expires, 0,
		    v->version);
		break;
	}
	return outcome(s, key, rc);
}

static enum err drop(void *self, const char *key)
{
	struct servers *s = self;
	enum err e;

	if (resting(s, key))
		return ERR_BUSY;
	e = outcome(s, key, memcached_delete(s->mc, key, strlen(key), 0));
	return e == ERR_CONFLICT ? OK : e; /* there was none */
}

static memcached_return_t step(struct servers *s, const char *key, int64_t by,
    uint64_t *now)
{
	size_t n = strlen(key);

	if (by >= 0)
		return memcached_increment(s->mc, key, n, (uint32_t)by, now);
	return memcached_decrement(s->mc, key, n, (uint32_t)-by, now);
}

/* A counter holds digits only, so it cannot carry its key. */
static enum err count(void *self, const char *key, int64_t by, int ttl_s, int64_t *now)
{
	struct servers *s = self;
	memcached_return_t rc = MEMCACHED_NOTFOUND;
	uint64_t v = 0;

	if (by > INT32_MAX || by < -INT32_MAX)
		return ERR_INTERNAL;
	if (resting(s, key))
		return ERR_BUSY;
	for (int tries = 0; tries < 3 && rc == MEMCACHED_NOTFOUND; tries++) {
		rc = step(s, key, by, &v);
		if (rc != MEMCACHED_NOTFOUND)
			break;
		rc = memcached_add(s->mc, key, strlen(key), "0", 1, ttl_s, 0);
		if (rc == MEMCACHED_SUCCESS || rc == MEMCACHED_NOTSTORED)
			rc = MEMCACHED_NOTFOUND; /* there is one now: step again */
	}
	if (rc != MEMCACHED_SUCCESS || v > INT64_MAX)
		return failed(s, key);
	*now = (int64_t)v;
	return OK;
}

const struct kv_driver kv_memcached = {
	.get = get,
	.store = store,
	.drop = drop,
	.count = count,
	.distrust = distrust,
};
