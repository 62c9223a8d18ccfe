#include "service/import_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "repo/import_rows.h"
#include "repo/people_count.h"
#include "repo/subscriber.h"
#include "repo/suppression.h"

/* Values a batch writes, as the JSON arrays that repo/import_rows takes. */
struct writes {
	struct buf *fresh, *changed, *joins, *tags, *consents, *suppressions;
};

static struct buf *array(void *mem)
{
	struct buf *b = buf_new(mem);

	buf_char(b, '[');
	return b;
}

static void text_into(struct buf *b, const char *s)
{
	buf_char(b, '"');
	json_escape(b, s, strlen(s));
	buf_char(b, '"');
}

static void next(struct buf *b)
{
	if (b->len > 1)
		buf_char(b, ',');
}

static void add_values(struct buf *b, void *mem, const struct import_person *p)
{
	text_into(b, p->first);
	buf_char(b, ',');
	text_into(b, p->last);
	buf_char(b, ',');
	buf_str(b,
	    json_object_object_length(p->custom) ? json_write(mem, p->custom) : "{}");
}

static void add_fresh(struct writes *w, void *mem, const struct import_person *p)
{
	next(w->fresh);
	buf_char(w->fresh, '[');
	text_into(w->fresh, p->email);
	buf_char(w->fresh, ',');
	text_into(w->fresh, p->key);
	buf_char(w->fresh, ',');
	add_values(w->fresh, mem, p);
	buf_printf(w->fresh, ",\"%s\"]", subscriber_status_name(p->stored));
}

static void add_changed(struct writes *w, void *mem, const struct import_person *p)
{
	next(w->changed);
	buf_printf(w->changed, "[%lld,", (long long)p->id);
	add_values(w->changed, mem, p);
	buf_char(w->changed, ']');
}

static void add_consent(struct writes *w, int64_t id, const char *action)
{
	next(w->consents);
	buf_printf(w->consents, "[%lld,\"%s\"]", (long long)id, action);
}

/* What hangs on the id, which a new person has only after the insert. */
static void add_rest(struct writes *w, const struct import_person *p)
{
	if (p->fresh)
		add_consent(w, p->id,
		    p->leaves ? subscriber_status_name(p->stored) : "subscribed");
	if (!p->leaves && (p->fresh || (p->joins && p->asked))) {
		next(w->joins);
		buf_int(w->joins, p->id);
	}
	for (size_t i = p->known_tags; i < p->ntags; i++) {
		next(w->tags);
		buf_char(w->tags, '[');
		buf_int(w->tags, p->id);
		buf_char(w->tags, ',');
		text_into(w->tags, p->tags[i]);
		buf_char(w->tags, ']');
	}
}

static int person_by_key(const void *key, const void *p)
{
	return strcmp(key, ((const struct import_person *)p)->key);
}

static enum err insert(struct db *db, void *mem, const struct import *i,
    struct writes *w, const struct import_people *people, int64_t now)
{
	struct import_made *made;
	enum err e;

	buf_char(w->fresh, ']');
	if (w->fresh->len == 2)
		return OK;
	e = import_rows_insert(db, mem, i->brand_id, w->fresh, now, &made);
	for (; e == OK && made->id; made++) {
		struct import_person *p = bsearch(made->key, people->all, people->n,
		    sizeof(*people->all), person_by_key);

		if (p)
			p->id = made->id;
	}
	return e;
}

/* One by one where the reason gets graver, the others together. */
static enum err suppress(struct db *db, struct writes *w, const struct import *i,
    const struct import_person *p, int64_t now)
{
	const struct suppression x = { .brand_id = i->brand_id,
		.email_key = p->key,
		.reason = import_status_name(p->left),
		.detail = i->file_name,
		.created_at = now };

	if (p->was_left)
		return suppression_add(db, &x);
	next(w->suppressions);
	buf_char(w->suppressions, '[');
	text_into(w->suppressions, p->key);
	buf_printf(w->suppressions, ",\"%s\"]", x.reason);
	return OK;
}

/*
 * A person who leaves by a row: the address is suppressed whether there is a subscriber
 * or not; one who was there before changes state, and a bounce is no reason to forget
 * that somebody unsubscribed.
 */
static enum err add_leaving(struct db *db, struct writes *w, const struct import *i,
    struct import_person *p, int64_t now)
{
	const struct subscriber who = { .id = p->id, .brand_id = i->brand_id };
	enum subscriber_status to = import_status_stored(p->left);
	bool changed = false;
	enum err e = suppress(db, w, i, p, now);

	if (e != OK || !p->id)
		return e;
	e = subscriber_row_status(db, &who, subscriber_may_become(to), to, now,
	    &changed);
	if (e == OK && changed)
		add_consent(w, p->id, subscriber_status_name(to));
	return e;
}

static enum err write_rest(struct db *db, const struct import *i, struct writes *w,
    int64_t now)
{
	bool lists = json_object_array_length(i->lists) > 0;
	enum err e = OK;

	buf_char(w->changed, ']');
	buf_char(w->joins, ']');
	buf_char(w->tags, ']');
	buf_char(w->consents, ']');
	buf_char(w->suppressions, ']');
	if (w->changed->len > 2)
		e = import_rows_update(db, i->brand_id, w->changed, now);
	if (e == OK && lists && w->joins->len > 2)
		e = import_rows_join(db, i->brand_id, i->lists, w->joins, now);
	if (e == OK && w->tags->len > 2)
		e = import_rows_tag(db, i->brand_id, w->tags);
	if (e == OK && w->consents->len > 2)
		e = import_rows_consent(db, i->brand_id, w->consents, i->file_name,
		    now);
	if (e == OK && w->suppressions->len > 2)
		e = suppression_add_many(db, i->brand_id, w->suppressions, i->file_name,
		    now);
	return e;
}

/* Those whom the batch leaves with an id; ids has room for all. */
static size_t ids_of(const struct import_people *people, int64_t *ids)
{
	size_t found = 0;

	for (size_t k = 0; k < people->n; k++)
		if (people->all[k].id && people->all[k].here)
			ids[found++] = people->all[k].id;
	return found;
}

static enum err write_rows(struct db *db, void *mem, const struct import *i,
    struct writes *w, const struct import_people *people, int64_t now)
{
	const struct import_person *all = people->all;
	enum err e;

	for (size_t k = 0; k < people->n; k++) {
		if (all[k].fresh)
			add_fresh(w, mem, &all[k]);
		else if (all[k].changed)
			add_changed(w, mem, &all[k]);
	}
	e = insert(db, mem, i, w, people, now);
	for (size_t k = 0; e == OK && k < people->n; k++)
		if (all[k].here)
			add_rest(w, &all[k]);
	return e == OK ? write_rest(db, i, w, now) : e;
}

enum err import_store(struct db *db, void *mem, const struct import *i,
    const struct import_people *people, int64_t now)
{
	struct writes w = { array(mem), array(mem), array(mem), array(mem), array(mem),
		array(mem) };
	int64_t *ids = mem_array(mem, int64_t, people->n);
	const char *before;
	enum err e = OK;

	/* a change of status counts itself; what follows is counted together */
	for (size_t k = 0; e == OK && k < people->n; k++)
		if (people->all[k].leaves)
			e = add_leaving(db, &w, i, &people->all[k], now);
	if (e == OK)
		e = people_note(db, mem, ids, ids_of(people, ids), &before);
	if (e == OK)
		e = write_rows(db, mem, i, &w, people, now);
	return e == OK ? people_settle(db, before, ids, ids_of(people, ids)) : e;
}
