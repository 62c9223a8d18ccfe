#pragma once

#include <json-c/json.h>

#include "repo/audit.h"

/*
 * Lines of the audit log in words: "Anna changed the role of Ben to editor".  Each
 * action has its words in audit_words.c; t/http/audit.t looks for those that have none.
 */

/* What is said without the person: "changed the role of Ben to editor". */
char *audit_words(void *mem, const struct audit_line *l);
/* The whole line, as the API gives it. */
struct json_object *audit_json(void *mem, const struct audit_line *l);

/*
 * A copy of detail (NULL: {}) that may be written down: without what its name says is a
 * secret, without what looks like an API key, and not longer than 4 KiB.
 */
struct json_object *audit_clean(void *mem, struct json_object *detail);
/* The name of the object among it; "" if there is none. Lives as long as detail. */
const char *audit_label(struct json_object *detail);

/* At most so many bytes of s (NULL: ""), whole characters. */
char *audit_cut(void *mem, const char *s, size_t most);

/* What lines can be about: noun and how people call it; the last is NULL. */
struct audit_noun {
	const char *noun, *label;
};
extern const struct audit_noun audit_nouns[];

/* A change made on the command line: by nobody we know. name: of the object. */
enum err audit_command(struct db *db, const char *action, int64_t brand_id,
    int64_t object_id, const char *name, int64_t now) MUST_CHECK;
