#include "kv/cache.h"

#include <string.h>

#include "base/mem.h"

/* value = MAC over key, NUL and text; then the text */
enum { MAC_BYTES = 32 };

static void sign(const struct keyring *k, const char *key, const char *text, size_t n,
    uint8_t mac[MAC_BYTES])
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "cache_sign");
	size_t key_len = strlen(key) + 1;
	char *all = mem_array(tmp, char, key_len + n);

	memcpy(all, key, key_len);
	memcpy(all + key_len, text, n);
	hmac_sha256(k->mac, sizeof(k->mac), all, key_len + n, mac);
}

enum err cache_get(struct kv *kv, const struct keyring *k, void *mem, const char *key,
    char **value)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "cache_get");
	uint8_t mac[MAC_BYTES];
	char *have;
	size_t n;
	enum err e = kv_get(kv, tmp, key, &have, &n);

	*value = NULL;
	if (e != OK)
		return e;
	if (n < MAC_BYTES)
		return ERR_NOTFOUND;
	sign(k, key, have + MAC_BYTES, n - MAC_BYTES, mac);
	if (!equal_secret(have, mac, MAC_BYTES))
		return ERR_NOTFOUND; /* not ours, or of another key ring */
	*value = mem_strn(mem, have + MAC_BYTES, n - MAC_BYTES);
	return OK;
}

static uint8_t *signed_value(const struct keyring *k, void *mem, const char *key,
    const char *value, size_t n)
{
	uint8_t *all = mem_array(mem, uint8_t, MAC_BYTES + n + 1);

	sign(k, key, value, n, all);
	memcpy(all + MAC_BYTES, value, n);
	return all;
}

void cache_set(struct kv *kv, const struct keyring *k, const char *key,
    const char *value, int ttl_s)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "cache_set");
	size_t n = strlen(value);

	kv_set(kv, key, signed_value(k, tmp, key, value, n), MAC_BYTES + n, ttl_s);
}

void cache_add(struct kv *kv, const struct keyring *k, const char *key,
    const char *value, int ttl_s)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "cache_add");
	size_t n = strlen(value);

	if (kv_add(kv, key, signed_value(k, tmp, key, value, n), MAC_BYTES + n,
		ttl_s) != OK)
		return; /* somebody's value stays, or there is no server: both well */
}

void cache_drop(struct kv *kv, const char *key)
{
	kv_delete(kv, key);
}
