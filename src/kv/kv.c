#include "kv/kv.h"

#include <string.h>

#include "base/crypto.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include "kv/kv_driver.h"
#include "kv/tally.h"

enum {
	KEY_MAX = 200,           /* memcached takes 250 */
	VALUE_MAX = 1000 * 1000, /* its items are 1 MB with key and header */
	TTL_MAX = 30 * 86400,    /* beyond this memcached reads a date */
};

static struct kv *make(void *mem, const struct kv_driver *driver, const struct log *lg)
{
	struct kv *kv = mem_new(mem, struct kv);

	kv->driver = driver;
	kv->log = lg;
	return kv;
}

enum err kv_open(void *mem, const char *servers, const struct log *lg, struct kv **out)
{
	bool shared = !text_empty(servers);
	struct kv *kv = make(mem, shared ? &kv_memcached : &kv_local, lg);
	enum err e = OK;

	*out = NULL;
	if (shared) {
		kv->here = make(kv, &kv_local, lg);
		kv->here->store = kv_local_open(kv);
		e = kv_memcached_open(kv, servers, &kv->store);
	} else {
		kv->store = kv_local_open(kv);
	}
	if (e != OK) {
		log_error(lg, "kv.servers_unreadable", LOG_STR("servers", servers));
		mem_free(kv);
		return e;
	}
	*out = kv;
	return OK;
}

void kv_share_counters(struct kv *kv, const char *state_dir)
{
	struct kv *here = kv_here(kv);

	here->tally = tally_open(here, state_dir);
	if (here->tally == NULL)
		log_warn(kv->log, "kv.counters_alone");
}

bool kv_is_shared(const struct kv *kv)
{
	return kv->here != NULL;
}

struct kv *kv_here(struct kv *kv)
{
	return kv->here ? kv->here : kv;
}

bool kv_alive(struct kv *kv)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "kv_alive");
	char *key = mem_printf(tmp, "alive:%s", id_random(tmp)), *back;
	size_t len;

	return kv_set(kv, key, "1", 1, 10) == OK &&
	    kv_get(kv, tmp, key, &back, &len) == OK && text_equal(back, "1");
}

char *kv_key(void *mem, const char *prefix, const char *outside)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "kv_key");
	uint8_t hash[32];

	sha256(outside, strlen(outside), hash);
	return mem_printf(mem, "%s:%s", prefix, hex_encode(tmp, hash, sizeof(hash)));
}

/* One bad key would put every later answer of the connection one off. */
static enum err check_key(const struct kv *kv, const char *key)
{
	size_t n = strlen(key);
	bool fine = n > 0 && n <= KEY_MAX;

	for (size_t i = 0; i < n && fine; i++)
		fine = key[i] > ' ' && key[i] < 0x7f;
	if (!fine)
		log_error(kv->log, "kv.bad_key", LOG_STR("key", key));
	return fine ? OK : ERR_INTERNAL;
}

/* Notes a server that went away or came back once, not at each call. */
static enum err noted(struct kv *kv, enum err e)
{
	if (e == ERR_BUSY && !kv->down)
		log_warn(kv->log, "kv.down");
	if (e != ERR_BUSY && kv->down)
		log_info(kv->log, "kv.up");
	kv->down = e == ERR_BUSY;
	return e;
}

static int within(int ttl_s)
{
	if (ttl_s < 1)
		return 1;
	return ttl_s < TTL_MAX ? ttl_s : TTL_MAX;
}

/* ---- values carry their key: "key\nvalue" ---- */

static enum err fetch(struct kv *kv, void *mem, const char *key, struct kv_value *v)
{
	size_t n = strlen(key);
	enum err e = check_key(kv, key);

	if (e == OK)
		e = noted(kv, kv->driver->get(kv->store, mem, key, v));
	if (e != OK)
		return e;
	if (v->len <= n || memcmp(v->data, key, n) != 0 || v->data[n] != '\n') {
		log_error(kv->log, "kv.foreign_value", LOG_STR("key", key));
		kv->driver->distrust(kv->store, key);
		return ERR_BUSY;
	}
	v->data += n + 1;
	v->len -= n + 1;
	return OK;
}

static enum err put(struct kv *kv, const char *key, const struct kv_value *v,
    enum kv_how how, int ttl_s)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "kv_put");
	size_t n = strlen(key);
	struct kv_value whole = { .len = n + 1 + v->len, .version = v->version };
	enum err e = check_key(kv, key);

	if (e != OK)
		return e;
	if (v->len > VALUE_MAX)
		return ERR_TOO_LARGE;
	whole.data = mem_array(tmp, char, whole.len + 1);
	memcpy(whole.data, key, n);
	whole.data[n] = '\n';
	if (v->len > 0)
		memcpy(whole.data + n + 1, v->data, v->len);
	return noted(kv, kv->driver->store(kv->store, key, &whole, how, ttl_s));
}

enum err kv_get(struct kv *kv, void *mem, const char *key, char **value, size_t *len)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "kv_get");
	struct kv_value v = { .data = NULL };
	enum err e = fetch(kv, tmp, key, &v);

	*value = NULL;
	*len = 0;
	if (e == OK) {
		*value = mem_copy(mem, v.data, v.len + 1); /* with the NUL */
		*len = v.len;
	}
	return e;
}

enum err kv_set(struct kv *kv, const char *key, const void *value, size_t len,
    int ttl_s)
{
	struct kv_value v = { .data = (char *)value, .len = len };

	return put(kv, key, &v, KV_SET, within(ttl_s));
}

enum err kv_add(struct kv *kv, const char *key, const void *value, size_t len,
    int ttl_s)
{
	struct kv_value v = { .data = (char *)value, .len = len };

	return put(kv, key, &v, KV_ADD, within(ttl_s));
}

enum err kv_delete(struct kv *kv, const char *key)
{
	enum err e = check_key(kv, key);

	return e == OK ? noted(kv, kv->driver->drop(kv->store, key)) : e;
}

enum err kv_swap(struct kv *kv, const char *key, const char *old, const char *value,
    int ttl_s)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "kv_swap");
	struct kv_value have = { .data = NULL };
	struct kv_value v = { .data = (char *)value, .len = strlen(value) };
	enum err e = fetch(kv, tmp, key, &have);

	if (e == ERR_NOTFOUND)
		return ERR_CONFLICT;
	if (e != OK)
		return e;
	if (have.len != strlen(old) || memcmp(have.data, old, have.len) != 0)
		return ERR_CONFLICT;
	v.version = have.version;
	return put(kv, key, &v, KV_SWAP, ttl_s < 0 ? -1 : within(ttl_s));
}

enum err kv_count(struct kv *kv, const char *key, int64_t by, int ttl_s, int64_t *now)
{
	enum err e = check_key(kv, key);

	*now = 0;
	if (e != OK)
		return e;
	if (kv->tally == NULL)
		return noted(kv,
		    kv->driver->count(kv->store, key, by, within(ttl_s), now));
	tally_count(kv->tally, key, by, within(ttl_s), now);
	return OK;
}
