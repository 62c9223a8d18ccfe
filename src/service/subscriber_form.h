#pragma once

#include "base/form.h"
#include "db/db.h"
#include "model/contact.h"

/* What a form or the API says of a subscriber, for service/subscriber.c. */

/* The lists a form names. */
struct subscriber_lists {
	bool given;
	int64_t *ids;
	size_t n;
};

void subscriber_read_address(void *mem, struct form *f, struct subscriber *s);
/* One tag more, unless it is there; a sentence at "tags" if it is none or too many. */
void subscriber_add_tag(void *mem, struct form *f, struct json_object *tags,
    const char *text);
void subscriber_read_tags(void *mem, struct form *f, struct subscriber *s);
void subscriber_read_names(void *mem, struct form *f, struct subscriber *s);
/* fields {key: value} into a copy of s->custom; values of deleted fields go. */
enum err subscriber_read_fields(struct db *db, void *mem, struct form *f,
    struct subscriber *s) MUST_CHECK;
/* Lists of the form: ids of the brand, or a sentence. */
enum err subscriber_read_lists(struct db *db, void *mem, int64_t brand, struct form *f,
    struct subscriber_lists *in) MUST_CHECK;
