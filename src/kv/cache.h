#pragma once

#include "kv/kv.h"
#include "base/crypto.h"

/*
 * Values with a MAC (keyring.mac) so that a poisoned server cannot make us believe
 * anything.
 */
enum err cache_get(struct kv *kv, const struct keyring *k, void *mem, const char *key,
    char **value) MUST_CHECK;
void cache_set(struct kv *kv, const struct keyring *k, const char *key,
    const char *value, int ttl_s);
/* A value that is there stays. */
void cache_add(struct kv *kv, const struct keyring *k, const char *key,
    const char *value, int ttl_s);
void cache_drop(struct kv *kv, const char *key);
