#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <json-c/json.h>

#include "base/err.h"

/*
 * What a caller sent, whatever the encoding: urlencoded, multipart and JSON all become
 * one JSON object.  `a=1` is {"a":"1"}; a repeated name becomes an array; `fields[x]=1`
 * is {"fields":{"x":"1"}}.  Typed getters take text or JSON values alike and record a
 * sentence at the field instead of failing; form_ok() tells at the end.  Where a name
 * is repeated a scalar getter takes the last (so a hidden 0 before a checkbox works).
 */
struct form_file {
	const char *field, *name, *type;
	const char *data;
	size_t len;
	struct form_file *next;
};

struct form;

struct form *form_new(void *mem);
/* Takes the object of a JSON body as the values. */
void form_set_json(struct form *f, struct json_object *o);
void form_add(struct form *f, const char *name, const char *value);
/* copied, data borrowed */
void form_add_file(struct form *f, const struct form_file *file);
const struct form_file *form_file(const struct form *f, const char *field);
/* The first of a list; NULL without any. */
const struct form_file *form_files(const struct form *f);
/*
 * Are all fields and files of the form among `names`, or among `silent` ones, which are
 * not told?  Both are words with blanks between them, each as far as a colon.  Records
 * a sentence at each field that is not, with the known name that is nearest.  To be
 * asked before anything is read: a misspelt field must not change what it did not mean.
 */
bool form_only(struct form *f, const char *names, const char *silent);
/*
 * Has each value of a JSON body the type that `names` say ("id:int lists:[int]!", as in
 * web/openapi.h)?  Records a sentence at each field that has not: an array where a
 * number is wanted must not be taken for no number.  null is as if nothing was sent.
 */
bool form_types(struct form *f, const char *names);
/* borrowed: for showing again */
struct json_object *form_values(const struct form *f);
/* {field: sentence}, borrowed */
struct json_object *form_errors(const struct form *f);

bool form_has(const struct form *f, const char *name);
/* As sent (numbers as text), NULL if absent; no check, no error. */
const char *form_get(const struct form *f, const char *name);
/* borrowed, NULL if absent */
struct json_object *form_json(const struct form *f, const char *name);

/*
 * Trimmed, valid UTF-8, length in characters within [min,max]. Absent counts as "".
 * No controls but line feeds and tabs.  Never NULL.
 */
const char *form_text(struct form *f, const char *name, size_t min, size_t max);
/* As form_text, but one line: no controls (fit for a header). */
const char *form_line(struct form *f, const char *name, size_t min, size_t max);
/* Not trimmed, line ends kept: HTML and text bodies; max in bytes. */
const char *form_body(struct form *f, const char *name, size_t max);
int64_t form_int(struct form *f, const char *name, int64_t min, int64_t max,
    int64_t dflt);
/* 1/0 true/false on/off */
bool form_bool(struct form *f, const char *name, bool dflt);
/*
 * RFC 3339, or wall clock in `zone` as <input type=datetime-local> sends it. 0 if
 * absent/wrong.
 */
int64_t form_time(struct form *f, const char *name, const char *zone);
/*
 * One of the NULL-terminated words; its index, or dflt if absent, or an error and dflt.
 */
int form_choice(struct form *f, const char *name, const char *const *words, int dflt);
/* Array of ids ("lists":[1,2], lists=1&lists=2, lists=1,2); at most max. */
size_t form_ids(struct form *f, void *mem, const char *name, size_t max, int64_t **out);

/* Records a sentence at a field (the first one stays) and returns ERR_INVALID. */
enum err form_fail(struct form *f, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool form_ok(const struct form *f);
/* NULL if none */
const char *form_error(const struct form *f, const char *field);
