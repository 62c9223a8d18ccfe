#include "service/import_batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/import_rows.h"
#include "repo/people_count.h"
#include "service/import_person.h"

enum { POOL_BYTES = 8 * 1024 * 1024, REFUSED_BYTES = 8 * 1024, CELL_BYTES = 1000 };

struct import_batch *import_batch_new(void *mem)
{
	struct import_batch *b = mem_new(mem, struct import_batch);

	b->rows = mem_array(b, struct import_record, BATCH_ROWS);
	b->refused = buf_new(b);
	buf_char(b->refused, '[');
	return b;
}

bool import_batch_full(const struct import_batch *b)
{
	return b->counts.rows >= BATCH_ROWS || b->bytes >= BATCH_BYTES;
}

static void json_text_into(struct buf *b, const char *s)
{
	buf_char(b, '"');
	json_escape(b, s, strlen(s));
	buf_char(b, '"');
}

/* At most max bytes of s, cut at a character, without bytes that are no text. */
static const char *some_of(void *mem, const char *s, size_t n, size_t max)
{
	bool whole = n <= max;

	if (!whole)
		for (n = max; n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80;)
			n--;
	if (strnlen(s, n) < n)
		n = strlen(s);
	if (!text_is_utf8(s, n))
		return text_from_latin1(mem, s, n);
	return mem_printf(mem, "%.*s%s", (int)n, s, whole ? "" : "…");
}

/* The refused row as CSV with commas, so that it can be mended and imported again. */
static const char *content_of(void *mem, const struct csv_reader *r, bool good)
{
	struct buf *b = buf_new(mem);
	size_t len;
	const char *raw;

	if (!good) {
		raw = csv_reader_raw(r, &len);
		csv_put(b, some_of(mem, raw, len, CELL_BYTES));
		return b->data;
	}
	for (size_t i = 0; i < csv_reader_count(r) && b->len < REFUSED_BYTES; i++) {
		raw = csv_reader_cell(r, i, &len);
		csv_put(b, some_of(mem, raw, len, CELL_BYTES));
	}
	return b->data;
}

static void add_refusal(struct buf *b, int64_t row, const char *why,
    const char *content)
{
	buf_printf(b, "%s[%lld,", b->len > 1 ? "," : "", (long long)row);
	json_text_into(b, why);
	buf_char(b, ',');
	json_text_into(b, content);
	buf_char(b, ']');
}

static void refuse(struct import_batch *b, const struct csv_reader *r, bool good,
    int64_t row, const char *why)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "refuse");
	size_t before = b->refused->len;

	add_refusal(b->refused, row, why, content_of(tmp, r, good));
	b->bytes += b->refused->len - before;
	b->counts.invalid++;
}

void import_batch_add(struct import_batch *b, const struct import_plan *p,
    const struct csv_reader *r, bool good, int64_t row)
{
	struct import_record *x = &b->rows[b->n];
	const char *why = csv_reader_why(r);

	b->counts.rows++;
	b->bytes += (size_t)(csv_reader_position(r) - b->position);
	b->position = csv_reader_position(r);
	memset(x, 0, sizeof(*x));
	x->row = row;
	if (good && import_plan_read(p, b, r, x, &why) == OK)
		b->n++;
	else
		refuse(b, r, good, row, why);
}

static int by_key(const void *a, const void *b)
{
	const struct import_record *x = a, *y = b;
	int c = strcmp(x->key, y->key);

	return c ? c : x->row < y->row ? -1 : x->row > y->row;
}

static int64_t *count_of(struct import_counts *c, enum import_outcome o)
{
	switch (o) {
	case OUTCOME_NEW: return &c->fresh;
	case OUTCOME_UPDATED: return &c->updated;
	case OUTCOME_UNCHANGED: return &c->unchanged;
	case OUTCOME_SUPPRESSED: break;
	}
	return &c->suppressed;
}

/* Values a batch writes, as the JSON arrays that repo/import_rows takes. */
struct writes {
	struct buf *fresh, *changed, *joins, *tags, *made;
};

static struct buf *array(void *mem)
{
	struct buf *b = buf_new(mem);

	buf_char(b, '[');
	return b;
}

static void next(struct buf *b)
{
	if (b->len > 1)
		buf_char(b, ',');
}

static void add_values(struct buf *b, void *mem, const struct import_person *p)
{
	json_text_into(b, p->first);
	buf_char(b, ',');
	json_text_into(b, p->last);
	buf_char(b, ',');
	buf_str(b,
	    json_object_object_length(p->custom) ? json_write(mem, p->custom) : "{}");
	buf_char(b, ']');
}

static void add_fresh(struct writes *w, void *mem, const struct import_person *p)
{
	next(w->fresh);
	buf_char(w->fresh, '[');
	json_text_into(w->fresh, p->email);
	buf_char(w->fresh, ',');
	json_text_into(w->fresh, p->key);
	buf_char(w->fresh, ',');
	add_values(w->fresh, mem, p);
}

/* What hangs on the id, which a new person has only after the insert. */
static void add_rest(struct writes *w, const struct import_person *p)
{
	if (p->fresh) {
		next(w->made);
		buf_int(w->made, p->id);
	}
	if (p->fresh || (p->joins && p->asked)) {
		next(w->joins);
		buf_int(w->joins, p->id);
	}
	for (size_t i = p->known_tags; i < p->ntags; i++) {
		next(w->tags);
		buf_char(w->tags, '[');
		buf_int(w->tags, p->id);
		buf_char(w->tags, ',');
		json_text_into(w->tags, p->tags[i]);
		buf_char(w->tags, ']');
	}
}

static int person_by_key(const void *key, const void *p)
{
	return strcmp(key, ((const struct import_person *)p)->key);
}

static enum err insert(struct db *db, void *mem, const struct import *i,
    struct writes *w, int64_t now, struct import_made **made)
{
	buf_char(w->fresh, ']');
	if (w->fresh->len == 2) {
		*made = mem_new(mem, struct import_made);
		return OK;
	}
	return import_rows_insert(db, mem, i->brand_id, w->fresh, now, made);
}

static enum err write_rest(struct db *db, const struct import *i, struct writes *w,
    int64_t now)
{
	bool lists = json_object_array_length(i->lists) > 0;
	enum err e = OK;

	buf_char(w->changed, ']');
	buf_char(w->joins, ']');
	buf_char(w->tags, ']');
	buf_char(w->made, ']');
	if (w->changed->len > 2)
		e = import_rows_update(db, i->brand_id, w->changed, now);
	if (e == OK && lists && w->joins->len > 2)
		e = import_rows_join(db, i->brand_id, i->lists, w->joins, now);
	if (e == OK && w->tags->len > 2)
		e = import_rows_tag(db, i->brand_id, w->tags);
	if (e == OK && w->made->len > 2)
		e = import_rows_consent(db, i->brand_id, w->made, i->file_name, now);
	return e;
}

/* Those whom the batch leaves with an id; ids has room for all. */
static size_t ids_of(const struct import_person *all, size_t n, int64_t *ids)
{
	size_t found = 0;

	for (size_t k = 0; k < n; k++)
		if (all[k].id && !all[k].suppressed)
			ids[found++] = all[k].id;
	return found;
}

static enum err write_rows(struct db *db, void *mem, const struct import *i,
    struct import_person *all, size_t n, int64_t now)
{
	struct writes w = { array(mem), array(mem), array(mem), array(mem),
		array(mem) };
	struct import_made *made;
	enum err e;

	for (size_t k = 0; k < n; k++) {
		if (all[k].fresh)
			add_fresh(&w, mem, &all[k]);
		if (all[k].fresh || !all[k].changed)
			continue;
		next(w.changed);
		buf_printf(w.changed, "[%lld,", (long long)all[k].id);
		add_values(w.changed, mem, &all[k]);
	}
	e = insert(db, mem, i, &w, now, &made);
	for (; e == OK && made->id; made++) {
		struct import_person *p =
		    bsearch(made->key, all, n, sizeof(*all), person_by_key);

		if (p)
			p->id = made->id;
	}
	for (size_t k = 0; e == OK && k < n; k++)
		if (!all[k].suppressed)
			add_rest(&w, &all[k]);
	return e == OK ? write_rest(db, i, &w, now) : e;
}

static enum err write_people(struct db *db, void *mem, const struct import *i,
    struct import_person *all, size_t n, int64_t now)
{
	int64_t *ids = mem_array(mem, int64_t, n);
	const char *before;
	enum err e = people_note(db, mem, ids, ids_of(all, n, ids), &before);

	if (e == OK)
		e = write_rows(db, mem, i, all, n, now);
	return e == OK ? people_settle(db, before, ids, ids_of(all, n, ids)) : e;
}

static void add_counts(struct import_counts *to, const struct import_counts *c)
{
	to->rows += c->rows;
	to->fresh += c->fresh;
	to->updated += c->updated;
	to->unchanged += c->unchanged;
	to->suppressed += c->suppressed;
	to->invalid += c->invalid;
}

/* People, then what each row does to them. */
static enum err decide(struct db *db, void *mem, struct import_batch *b,
    const struct import *i, struct import_counts *c, struct import_people *people)
{
	struct import_person *p;
	enum err e;

	qsort(b->rows, b->n, sizeof(*b->rows), by_key);
	e = import_people(db, mem, i, b->rows, b->n, people);
	p = people->all;
	for (size_t k = 0; e == OK && k < b->n; k++) {
		if (strcmp(p->key, b->rows[k].key) != 0)
			p++;
		++*count_of(c, import_person_take(p, mem, &b->rows[k], i->existing));
	}
	return e;
}

/* Those who left or bounced: told with the others, the address in its own column. */
static void refuse_suppressed(struct buf *refused, void *mem,
    const struct import_batch *b, const struct import_plan *plan,
    const struct import_people *people)
{
	const struct import_person *p = people->all;

	for (size_t k = 0; k < b->n; k++) {
		struct buf *content;

		if (strcmp(p->key, b->rows[k].key) != 0)
			p++;
		if (!p->suppressed)
			continue;
		content = buf_new(mem);
		for (size_t c = 0; c < plan->columns; c++)
			csv_put(content,
			    plan->targets[c].kind == TARGET_EMAIL ? b->rows[k].email
								  : "");
		add_refusal(refused, b->rows[k].row,
		    "This address is suppressed: its owner left, or mail to it "
		    "bounced. Nothing was changed.",
		    content->data);
	}
}

static struct buf *copy_of(void *mem, const struct buf *b)
{
	struct buf *copy = buf_new(mem);

	buf_add(copy, b->data, b->len);
	return copy;
}

/* `after` is the import as it will be. */
static enum err store(struct db *db, void *mem, struct import_batch *b,
    struct import *after, struct import_plan *plan, int64_t now)
{
	struct import_counts c = b->counts;
	struct import_people people = { 0 };
	struct buf *refused = copy_of(mem, b->refused);
	enum err e = OK;

	if (b->n > 0)
		e = decide(db, mem, b, after, &c, &people);
	if (e == OK && b->n > 0)
		e = write_people(db, mem, after, people.all, people.n, now);
	if (e == OK)
		e = import_plan_store(db, plan);
	if (e == OK && c.suppressed > 0)
		refuse_suppressed(refused, mem, b, plan, &people);
	if (e == OK && refused->len > 1) {
		buf_char(refused, ']');
		e = import_rows_refuse(db, after->id, refused);
	}
	after->position = b->position;
	add_counts(&after->counts, &c);
	return e;
}

enum err import_batch_store(struct db *db, struct import_batch *b, struct import *i,
    struct import_plan *p, int64_t now, bool *lost)
{
	enum { LEASE_MS = 60000 };
	MEM_SCOPE void *tmp = mem_pool(NULL, "store", POOL_BYTES);
	struct import after = *i;
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin_keyed(db, &tx);

	*lost = false;
	if (e == OK)
		e = store(db, tmp, b, &after, p, now);
	if (e == OK) {
		e = import_settle(db, &after, now + LEASE_MS);
		*lost = e == ERR_CONFLICT;
	}
	FAILPOINT("import.rows");
	if (e == OK)
		e = tx_commit(&tx);
	FAILPOINT("import.committed");
	if (e == OK) {
		*i = after;
		import_plan_stored(p);
	}
	return e;
}

enum err import_batch_foresee(struct db *db, void *mem, struct import_batch *b,
    const struct import *i, const char ***out)
{
	struct import_people people;
	struct import_person *p;
	enum err e;

	*out = mem_array(mem, const char *, b->n + 1);
	qsort(b->rows, b->n, sizeof(*b->rows), by_key);
	e = import_people(db, mem, i, b->rows, b->n, &people);
	p = people.all;
	for (size_t k = 0; e == OK && k < b->n; k++) {
		if (strcmp(p->key, b->rows[k].key) != 0)
			p++;
		(*out)[k] = import_outcome_name(
		    import_person_take(p, mem, &b->rows[k], i->existing));
	}
	return e;
}
