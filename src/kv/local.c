#include "kv/kv_driver.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

/*
 * A table of this process.  Like memcached it may forget anything: when it is full, or
 * its bytes are, entries go in the order of the buckets.
 */
enum { BUCKETS = 4096, ENTRIES_MAX = 16384, BYTES_MAX = 16 * 1024 * 1024 };

struct entry {
	struct entry *next;
	char *key, *data;
	size_t len;
	uint64_t version;
	int64_t number;  /* of a counter */
	int64_t expires; /* monotonic milliseconds */
};

struct table {
	struct entry *buckets[BUCKETS];
	size_t entries, bytes;
	unsigned hand; /* the bucket that loses an entry next */
	uint64_t version;
};

void *kv_local_open(void *mem)
{
	return mem_new(mem, struct table);
}

static struct entry **bucket(struct table *t, const char *key)
{
	uint32_t h = 2166136261u; /* FNV-1a; keys from outside are hashed already */

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 16777619u;
	return &t->buckets[h % BUCKETS];
}

static void forget(struct table *t, struct entry **at)
{
	struct entry *e = *at;

	*at = e->next;
	t->entries--;
	t->bytes -= e->len;
	mem_free(e);
}

/* Where the entry hangs; NULL if there is none.  What has expired goes on the way. */
static struct entry **find(struct table *t, const char *key)
{
	struct entry **at = bucket(t, key);
	int64_t now = clock_mono_ms();

	while (*at != NULL) {
		if ((*at)->expires <= now)
			forget(t, at);
		else if (text_equal((*at)->key, key))
			return at;
		else
			at = &(*at)->next;
	}
	return NULL;
}

static void make_room(struct table *t, size_t len)
{
	while (t->entries > 0 &&
	    (t->entries >= ENTRIES_MAX || t->bytes + len > BYTES_MAX)) {
		struct entry **at = &t->buckets[t->hand++ % BUCKETS];

		if (*at != NULL)
			forget(t, at);
	}
}

static struct entry *insert(struct table *t, const char *key, const char *data,
    size_t len, int ttl_s)
{
	struct entry **head = bucket(t, key);
	struct entry *e;

	make_room(t, len);
	e = mem_new(t, struct entry);
	e->key = mem_str(e, key);
	e->data = mem_array(e, char, len + 1);
	if (len > 0)
		memcpy(e->data, data, len);
	e->len = len;
	e->version = ++t->version;
	e->expires = clock_mono_ms() + (int64_t)ttl_s * 1000;
	e->next = *head;
	*head = e;
	t->entries++;
	t->bytes += len;
	return e;
}

static enum err local_get(void *self, void *mem, const char *key, struct kv_value *out)
{
	struct entry **at = find(self, key);

	if (at == NULL)
		return ERR_NOTFOUND;
	out->data = mem_copy(mem, (*at)->data, (*at)->len + 1);
	out->len = (*at)->len;
	out->version = (*at)->version;
	return OK;
}

static enum err local_store(void *self, const char *key, const struct kv_value *v,
    enum kv_how how, int ttl_s)
{
	struct entry **at = find(self, key);

	if (how == KV_ADD && at != NULL)
		return ERR_CONFLICT;
	if (how == KV_SWAP && (at == NULL || (*at)->version != v->version))
		return ERR_CONFLICT;
	if (at != NULL)
		forget(self, at);
	if (ttl_s >= 0)
		insert(self, key, v->data, v->len, ttl_s);
	return OK;
}

static enum err local_drop(void *self, const char *key)
{
	struct entry **at = find(self, key);

	if (at != NULL)
		forget(self, at);
	return OK;
}

static enum err local_count(void *self, const char *key, int64_t by, int ttl_s,
    int64_t *now)
{
	struct entry **at = find(self, key);
	struct entry *e = at ? *at : insert(self, key, NULL, 0, ttl_s);

	e->number += by;
	if (e->number < 0)
		e->number = 0; /* as memcached's */
	*now = e->number;
	return OK;
}

static void local_distrust(void *self, const char *key)
{
	local_drop(self, key);
}

const struct kv_driver kv_local = {
	.get = local_get,
	.store = local_store,
	.drop = local_drop,
	.count = local_count,
	.distrust = local_distrust,
};
