#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/buf.h"

/*
 * Small helpers over json-c.  A json_object made here is reference counted; json_own
 * ties one to a talloc owner so that it is released with it.
 */
struct json_object *json_own(void *mem, struct json_object *o);
struct json_object *json_obj(void *mem); /* new {} owned by mem */
struct json_object *json_arr(void *mem); /* new [] owned by mem */

/*
 * Setters return the object for chaining; NULL text sets null. Child setters take a
 * reference.
 */
struct json_object *json_set_text(struct json_object *o, const char *key,
    const char *v);
struct json_object *json_set_int(struct json_object *o, const char *key, int64_t v);
struct json_object *json_set_double(struct json_object *o, const char *key, double v);
struct json_object *json_set_bool(struct json_object *o, const char *key, bool v);
/* RFC 3339; 0 = null */
struct json_object *json_set_time(struct json_object *o, const char *key, int64_t ms);
struct json_object *json_set(struct json_object *o, const char *key,
    struct json_object *child);
/* takes a reference */
void json_push(struct json_object *arr, struct json_object *child);
void json_push_text(struct json_object *arr, const char *v);
void json_push_int(struct json_object *arr, int64_t v);

/*
 * Getters: the default when absent or of another type. Text lives as long as the
 * object.
 */
/* borrowed; NULL if absent */
struct json_object *json_get(struct json_object *o, const char *key);
const char *json_text(struct json_object *o, const char *key, const char *dflt);
int64_t json_int(struct json_object *o, const char *key, int64_t dflt);
bool json_flag(struct json_object *o, const char *key, bool dflt);

/*
 * Parses one document: whole input, UTF-8, depth 32.  ERR_MALFORMED with *why (static
 * or owned by mem, may be NULL) a sentence with the position.  ERR_TOO_LARGE, before
 * anything is allocated, with more than JSON_ELEMENTS_MAX values or if it would take
 * more than JSON_MEMORY_MAX bytes.
 */
enum {
	JSON_ELEMENTS_MAX = 100000,
	JSON_MEMORY_MAX = 64 * 1024 * 1024,
	JSON_MEMORY_MIN = 512 * 1024,
	JSON_TIMES = 8,
};
enum err json_read(void *mem, const char *s, size_t n, struct json_object **out,
    const char **why) MUST_CHECK;
/* As json_read, with a limit of `most` bytes of memory. */
enum err json_read_within(void *mem, const char *s, size_t n, size_t most,
    struct json_object **out, const char **why) MUST_CHECK;
/*
 * The memory that a document of n bytes from outside may take: JSON_TIMES as much,
 * between JSON_MEMORY_MIN and JSON_MEMORY_MAX.
 */
size_t json_most(size_t n);
/*
 * What reading a document takes at most: values in it, and bytes that are allocated at
 * the same time.  Told by its punctuation, so it holds for what is no JSON too.
 */
struct json_cost {
	size_t elements, bytes;
};
struct json_cost json_cost(const char *s, size_t n);
/* Compact text owned by mem. */
char *json_write(void *mem, struct json_object *o);
/* Appends s as JSON string contents, without the quotes. */
void json_escape(struct buf *b, const char *s, size_t n);
