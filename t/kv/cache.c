#include "kv/cache.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "memcached.h"
#include "tap.h"

static const struct log quiet = { .least = LOG_ERROR,
	.json = true,
	.fd = STDERR_FILENO };
static const struct keyring keys = { .mac = { 1 } }, foreign = { .mac = { 2 } };

int main(void)
{
	void *mem = mem_scope(NULL, "test");
	struct kv *kv = NULL;
	struct memcached m;
	char *v, *raw;
	size_t n = 0;

	memcached_begin(&m);
	ok(kv_open(mem, m.servers, &quiet, &kv) == OK, "kv_open");
	ok(cache_get(kv, &keys, mem, "s:1", &v) == ERR_NOTFOUND && v == NULL,
	    "cache_get of nothing");
	cache_set(kv, &keys, "s:1", "{\"user\":1}", 60);
	ok(cache_get(kv, &keys, mem, "s:1", &v) == OK, "cache_get of what was set");
	is_text(v, "{\"user\":1}", "cache_get gives the text");
	ok(cache_get(kv, &foreign, mem, "s:1", &v) == ERR_NOTFOUND && v == NULL,
	    "cache_get does not believe another installation");
	ok(kv_get(kv, mem, "s:1", &raw, &n) == OK &&
		kv_set(kv, "s:2", raw, n, 60) == OK,
	    "the value moved to another key");
	ok(cache_get(kv, &keys, mem, "s:2", &v) == ERR_NOTFOUND,
	    "cache_get does not believe it there");
	raw[n - 2] = '2';
	ok(kv_set(kv, "s:1", raw, n, 60) == OK &&
		cache_get(kv, &keys, mem, "s:1", &v) == ERR_NOTFOUND,
	    "cache_get does not believe a changed value");
	ok(kv_set(kv, "s:1", "{\"user\":1}", 10, 60) == OK &&
		cache_get(kv, &keys, mem, "s:1", &v) == ERR_NOTFOUND,
	    "cache_get does not believe a plain value");
	cache_set(kv, &keys, "s:1", "", 60);
	ok(cache_get(kv, &keys, mem, "s:1", &v) == OK && v[0] == '\0',
	    "an empty text is fine");
	cache_drop(kv, "s:1");
	ok(cache_get(kv, &keys, mem, "s:1", &v) == ERR_NOTFOUND, "cache_drop drops");
	memcached_stop(&m);
	cache_set(kv, &keys, "s:1", "x", 60);
	ok(cache_get(kv, &keys, mem, "s:1", &v) == ERR_BUSY && v == NULL,
	    "cache_get says it is away");
	memcached_end(&m);
	mem_free(mem);
	return done_testing();
}
