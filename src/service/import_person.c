#include "service/import_person.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/subscriber.h"

static const char *const names[] = { [OUTCOME_NEW] = "new",
	[OUTCOME_UPDATED] = "updated",
	[OUTCOME_UNCHANGED] = "unchanged",
	[OUTCOME_LEFT] = "left",
	[OUTCOME_SUPPRESSED] = "suppressed" };

const char *import_outcome_name(enum import_outcome o)
{
	return names[o];
}

static struct buf *keys_of(void *mem, const struct import_person *all, size_t n)
{
	struct buf *b = buf_new(mem);

	buf_char(b, '[');
	for (size_t i = 0; i < n; i++) {
		buf_str(b, i ? ",\"" : "\"");
		json_escape(b, all[i].key, strlen(all[i].key));
		buf_char(b, '"');
	}
	buf_char(b, ']');
	return b;
}

static void add_tag(struct import_person *p, void *mem, const char *tag)
{
	if (!p->tags)
		p->tags = mem_array(mem, const char *, TAGS_MAX);
	p->tags[p->ntags++] = tag;
}

static void is_known(struct import_person *p, void *mem, struct import_known *k,
    size_t nlists)
{
	p->id = k->who.id;
	p->here = true;
	p->first = k->who.first_name;
	p->last = k->who.last_name;
	p->custom = k->who.custom;
	p->joins = k->lists < (int64_t)nlists;
	p->stored = k->who.status;
	if (p->stored >= SUBSCRIBER_UNSUBSCRIBED)
		p->left = import_status_from(subscriber_status_name(p->stored));
	for (size_t i = 0; i < json_object_array_length(k->who.tags) && i < TAGS_MAX;
	     i++)
		add_tag(p, mem,
		    json_object_get_string(json_object_array_get_idx(k->who.tags, i)));
	p->known_tags = p->ntags;
}

enum err import_people(struct db *db, void *mem, const struct import *i,
    const struct import_record *rows, size_t n, struct import_people *out)
{
	struct import_person *all = mem_array(mem, struct import_person, n + 1);
	size_t people = 0, nsuppressed, at = 0,
	       nlists = json_object_array_length(i->lists);
	struct import_known *known;
	struct import_suppressed *suppressed;
	struct buf *keys;
	enum err e;

	for (size_t k = 0; k < n; k++)
		if (people == 0 || strcmp(all[people - 1].key, rows[k].key) != 0)
			all[people++].key = rows[k].key;
	*out = (struct import_people){ .all = all, .n = people };
	keys = keys_of(mem, all, people);
	e = import_rows_known(db, mem, i->brand_id, keys, i->lists, &known);
	if (e == OK)
		e = import_rows_suppressed(db, mem, i->brand_id, keys, &suppressed,
		    &nsuppressed);
	if (e != OK)
		return e;
	for (size_t k = 0; k < people; k++) {
		if (known->who.id && strcmp(known->who.email_key, all[k].key) == 0)
			is_known(&all[k], mem, known++, nlists);
		if (at < nsuppressed && strcmp(suppressed[at].key, all[k].key) == 0)
			all[k].left = import_status_from(suppressed[at++].reason);
		all[k].was_left = all[k].left != ROW_SILENT;
	}
	return OK;
}

static bool take_name(const char **has, const char *comes, bool over)
{
	if (!*comes || text_equal(*has, comes) || (**has && !over))
		return false;
	*has = comes;
	return true;
}

static bool take_custom(struct import_person *p, struct json_object *comes, bool over)
{
	bool changed = false;

	if (!comes)
		return false;
	json_object_object_foreach (comes, key, value) {
		struct json_object *has = json_get(p->custom, key);

		if (has && (!over || json_object_equal(has, value)))
			continue;
		json_set(p->custom, key, value);
		changed = true;
	}
	return changed;
}

static bool has_tag(const struct import_person *p, const char *tag)
{
	for (size_t i = 0; i < p->ntags; i++)
		if (strcmp(p->tags[i], tag) == 0)
			return true;
	return false;
}

static bool take_tags(struct import_person *p, void *mem, const struct import_record *r)
{
	bool changed = false;

	for (size_t i = 0; i < r->ntags && p->ntags < TAGS_MAX; i++) {
		if (has_tag(p, r->tags[i]))
			continue;
		add_tag(p, mem, r->tags[i]);
		changed = true;
	}
	return changed;
}

static void is_new(struct import_person *p, void *mem, const struct import_record *r)
{
	p->here = p->fresh = true;
	p->email = r->email;
	p->first = r->first;
	p->last = r->last;
	p->custom = r->custom ? r->custom : json_obj(mem);
	p->stored = import_status_stored(r->status);
	take_tags(p, mem, r);
}

/* As suppression_add does it: the graver reason stays, else the first. */
static bool is_graver(enum row_status was, enum row_status is)
{
	return was == ROW_SILENT || (was == ROW_UNSUBSCRIBED && is > was) ||
	    (was == ROW_BOUNCED && is == ROW_COMPLAINED);
}

/* The row says that the person left.  One nobody knows comes in as gone. */
static enum import_outcome take_leaving(struct import_person *p, void *mem,
    const struct import_record *r, const struct import *i)
{
	if (!is_graver(p->left, r->status))
		return OUTCOME_UNCHANGED;
	p->left = r->status;
	p->leaves = true;
	if (!p->here && !p->was_left && !import_suppresses_only(i))
		is_new(p, mem, r);
	if (p->fresh)
		p->stored = import_status_stored(r->status);
	return OUTCOME_LEFT;
}

enum import_outcome import_person_take(struct import_person *p, void *mem,
    const struct import_record *r, const struct import *i)
{
	enum import_existing policy = i->existing;
	bool over = policy == EXISTING_UPDATE, changed = false, tagged = false, joins;

	if (import_status_leaves(r->status))
		return take_leaving(p, mem, r, i);
	if (p->left != ROW_SILENT)
		return OUTCOME_SUPPRESSED;
	if (import_suppresses_only(i))
		return OUTCOME_UNCHANGED;
	if (!p->here) {
		is_new(p, mem, r);
		return OUTCOME_NEW;
	}
	if (policy != EXISTING_LEAVE) {
		changed |= take_name(&p->first, r->first, over);
		changed |= take_name(&p->last, r->last, over);
		changed |= take_custom(p, r->custom, over);
		tagged = take_tags(p, mem, r);
	}
	p->changed |= changed;
	/* being put on a list counts for the first row that asks for it */
	joins = p->joins && !p->asked;
	p->asked = true;
	return changed || tagged || joins ? OUTCOME_UPDATED : OUTCOME_UNCHANGED;
}
