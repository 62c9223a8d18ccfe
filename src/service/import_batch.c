#include "service/import_batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/import_rows.h"
#include "service/import_person.h"
#include "service/import_store.h"

enum { POOL_BYTES = 8 * 1024 * 1024, REFUSED_BYTES = 8 * 1024, CELL_BYTES = 1000 };

struct import_batch *import_batch_new(void *mem, int64_t room)
{
	struct import_batch *b = mem_new(mem, struct import_batch);

	b->room = room < BATCH_ROWS ? room : BATCH_ROWS;
	b->rows = mem_array(b, struct import_record, (size_t)b->room);
	b->refused = buf_new(b);
	buf_char(b->refused, '[');
	return b;
}

bool import_batch_full(const struct import_batch *b)
{
	return b->counts.rows >= b->room || b->bytes >= BATCH_BYTES;
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
    const char *content, bool stored)
{
	buf_printf(b, "%s[%lld,", b->len > 1 ? "," : "", (long long)row);
	json_text_into(b, why);
	buf_char(b, ',');
	json_text_into(b, content);
	buf_printf(b, ",%d]", stored ? 1 : 0);
}

static void refuse(struct import_batch *b, const struct csv_reader *r, bool good,
    int64_t row, const char *why)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "refuse");
	size_t before = b->refused->len;

	add_refusal(b->refused, row, why, content_of(tmp, r, good), false);
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
	if (!good || import_plan_read(p, b, r, x, &why) != OK) {
		refuse(b, r, good, row, why);
		return;
	}
	if (x->note) {
		x->content = content_of(b, r, true);
		b->bytes += strlen(x->content);
	}
	b->n++;
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
	case OUTCOME_LEFT: return &c->left;
	case OUTCOME_SUPPRESSED: break;
	}
	return &c->suppressed;
}

static void add_counts(struct import_counts *to, const struct import_counts *c)
{
	to->rows += c->rows;
	to->fresh += c->fresh;
	to->updated += c->updated;
	to->unchanged += c->unchanged;
	to->left += c->left;
	to->suppressed += c->suppressed;
	to->noted += c->noted;
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
		struct import_record *r = &b->rows[k];

		if (strcmp(p->key, r->key) != 0)
			p++;
		r->outcome = import_person_take(p, mem, r, i);
		++*count_of(c, r->outcome);
		c->noted += r->note && r->outcome != OUTCOME_SUPPRESSED;
	}
	return e;
}

/* Those who left or bounced: told with the others, the address in its own column. */
static void refuse_suppressed(struct buf *refused, void *mem,
    const struct import_record *r, const struct import_plan *plan)
{
	struct buf *content = buf_new(mem);

	for (size_t c = 0; c < plan->columns; c++)
		csv_put(content, plan->targets[c].kind == TARGET_EMAIL ? r->email : "");
	add_refusal(refused, r->row,
	    "This address is suppressed: its owner left, or mail to it "
	    "bounced. Nothing was changed.",
	    content->data, false);
}

/* What is to be told of the rows that were read: suppressed, or stored with a gap. */
static void tell(struct buf *refused, void *mem, const struct import_batch *b,
    const struct import_plan *plan)
{
	for (size_t k = 0; k < b->n; k++) {
		const struct import_record *r = &b->rows[k];

		if (r->outcome == OUTCOME_SUPPRESSED)
			refuse_suppressed(refused, mem, r, plan);
		else if (r->note)
			add_refusal(refused, r->row, r->note, r->content, true);
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
		e = import_store(db, mem, after, &people, now);
	if (e == OK)
		e = import_plan_store(db, plan);
	if (e == OK && c.suppressed + c.noted > 0)
		tell(refused, mem, b, plan);
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
		b->rows[k].outcome = import_person_take(p, mem, &b->rows[k], i);
		(*out)[k] = import_outcome_name(b->rows[k].outcome);
	}
	return e;
}
