#include "web/import.h"

#include "base/csv.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/field.h"
#include "repo/import.h"
#include "repo/list.h"
#include "service/field.h"
#include "service/import.h"
#include "web/access.h"
#include "web/subscriber.h"
#include "web/export.h"
#include "web/import_map.h"

enum { REFUSED_PAGE = 500, SMALL_ROWS = 10000, SMALL_MS = 1000 };

static enum err find(struct request *rq, struct import **i)
{
	return import_get(rq->db, rq, rq->args[0], rq->args[1], i);
}

enum err import_index(struct request *rq, struct response *rs)
{
	int64_t before = form_int(rq->query, "cursor", 1, INT64_MAX, 0);
	size_t n = 0, limit = (size_t)form_int(rq->query, "limit", 1, 200, 50);
	struct json_object *o = json_obj(rs), *items = json_arr(rs);
	struct import *all;
	enum err e;

	if (!form_ok(rq->query))
		return respond_error(rs, ERR_MALFORMED,
		    "This page of imports does not exist.");
	e = import_page(rq->db, rq, rq->args[0], before, limit + 1, &all);
	if (e != OK)
		return e;
	for (; all[n].id; n++)
		if (n < limit)
			json_push(items, import_json(rs, &all[n]));
	json_set(o, "items", items);
	json_set_text(o, "next_cursor",
	    n > limit ? mem_printf(rs, "%lld", (long long)all[limit - 1].id) : NULL);
	return respond(rs, o);
}

enum err import_new(struct request *rq, struct response *rs)
{
	(void)rq;
	rs->extra = json_obj(rs);
	json_set(rs->extra, "encodings", import_encodings(rs));
	return OK;
}

/* A small file is stored at once, so that nobody waits for the next trigger. */
static enum err begin_now(struct request *rq, struct import **i)
{
	struct work_report done;

	if ((*i)->state != IMPORT_WAITING ||
	    json_int((*i)->format, "rows", 0) > SMALL_ROWS)
		return OK;
	/* what this does not finish, the next trigger does */
	if (import_work(rq->app, SMALL_MS, &done) != OK)
		log_warn(&rq->log, "import.later", LOG_INT("import", (*i)->id));
	return import_get(rq->db, rq, (*i)->brand_id, (*i)->id, i);
}

enum err import_make(struct request *rq, struct response *rs)
{
	const struct import_request how = { .brand = rq->args[0],
		.user = rq->caller->user_id,
		.now = rq->now,
		.start = rq->api };
	struct import *i;
	enum err e = import_create(rq->db, rq, &how, rq->form, &i);

	if (e != OK)
		return e;
	audit_name(rq, "import.create", i->id, i->file_name);
	e = begin_now(rq, &i);
	if (e != OK)
		return e;
	return respond_made(rs, import_json(rs, i), "/brands/%lld/imports/%lld",
	    (long long)i->brand_id, (long long)i->id);
}

/* ---- the page of an import that works or has worked ---- */

static enum err add_lists(struct request *rq, struct response *rs,
    const struct import *i)
{
	struct json_object *out = json_arr(rs);
	struct list *l;
	enum err e = OK;

	for (size_t k = 0; k < json_object_array_length(i->lists); k++) {
		int64_t id =
		    json_object_get_int64(json_object_array_get_idx(i->lists, k));
		struct json_object *o = json_obj(rs);

		e = list_get(rq->db, rq, i->brand_id, id, &l);
		if (e == ERR_NOTFOUND)
			continue;
		if (e != OK)
			return e;
		json_set_int(o, "id", id);
		json_set_text(o, "name", l->name);
		json_push(out, o);
	}
	json_set(rs->extra, "in_lists", out);
	return OK;
}

static enum err progress_page(struct request *rq, struct response *rs,
    const struct import *i)
{
	int64_t total = json_int(i->format, "rows", 0),
		until = i->finished_at ? i->finished_at : rq->now;
	int64_t took = i->started_at ? until - i->started_at : 0;
	int64_t rate = took > 0 ? i->counts.rows * 1000 / took : 0;

	rs->extra = json_obj(rs);
	json_set_int(rs->extra, "took_s", (took + 999) / 1000);
	json_set_int(rs->extra, "rate", rate);
	json_set_int(rs->extra, "left_s",
	    rate > 0 ? (total - i->counts.rows) / rate + 1 : 0);
	json_set_bool(rs->extra, "live",
	    i->state == IMPORT_WAITING || i->state == IMPORT_RUNNING);
	json_set(rs->extra, "format", i->format);
	rs->page = "import/show";
	return add_lists(rq, rs, i);
}

enum err import_show(struct request *rq, struct response *rs)
{
	struct import *i;
	enum err e = find(rq, &i);

	if (e == OK && !rq->api)
		e = i->state == IMPORT_MAPPING ? import_map_page(rq, rs, i)
					       : progress_page(rq, rs, i);
	return e == OK ? respond(rs, import_json(rs, i)) : e;
}

/* The same upload in another encoding. */
enum err import_again(struct request *rq, struct response *rs)
{
	struct import *i = NULL;
	enum err e = find(rq, &i);

	if (e == OK)
		e = import_read_again(rq->db, rq, i, rq->form);
	if (e == ERR_CONFLICT)
		return respond_error(rs, e, "This import has been started already.");
	if (e == ERR_NOTFOUND && i)
		return respond_error(rs, ERR_CONFLICT,
		    "This file is UTF-8; there is no other way to read it.");
	if (e != OK)
		return e;
	audit_name(rq, "import.read", i->id, i->file_name);
	return respond_seen(rs, import_json(rs, i), "/brands/%lld/imports/%lld",
	    (long long)i->brand_id, (long long)i->id);
}

enum err import_begin(struct request *rq, struct response *rs)
{
	TX_SCOPE tx = { 0 };
	struct import *i;
	enum err e = tx_begin(rq->db, &tx);

	if (e == OK)
		e = find(rq, &i);
	if (e == OK)
		e = import_start(rq->db, rq, i, rq->now, rq->form);
	if (e == ERR_CONFLICT)
		return respond_error(rs, e, "This import has been started already.");
	if (e != OK)
		return e;
	audit_name(rq, "import.start", i->id, i->file_name);
	e = tx_commit(&tx);
	if (e == OK)
		e = begin_now(rq, &i);
	if (e != OK)
		return e;
	return respond_seen(rs, import_json(rs, i), "/brands/%lld/imports/%lld",
	    (long long)i->brand_id, (long long)i->id);
}

enum err import_confirm_stop(struct request *rq, struct response *rs)
{
	struct import *i;
	enum err e = find(rq, &i);

	return e == OK ? respond(rs, import_json(rs, i)) : e;
}

enum err import_stop(struct request *rq, struct response *rs)
{
	struct import *i;
	enum err e = import_row_cancel(rq->db, rq->args[0], rq->args[1], rq->now);

	if (e == OK || e == ERR_CONFLICT) {
		enum err found = find(rq, &i);

		e = found == OK ? e : found;
	}
	if (e == ERR_CONFLICT)
		return respond_error(rs, e, "This import is over already.");
	if (e != OK)
		return e;
	audit_name(rq, "import.cancel", i->id, i->file_name);
	respond_flash(rs, "The import is stopped. What was stored stays.");
	return respond_seen(rs, import_json(rs, i), "/brands/%lld/imports/%lld",
	    (long long)i->brand_id, (long long)i->id);
}

static enum err rows_csv(struct request *rq, struct response *rs, bool noted)
{
	struct import_refusals_asked q = { .id = rq->args[1],
		.noted = noted,
		.limit = REFUSED_PAGE };
	struct buf *head = buf_new(rq);
	size_t n = REFUSED_PAGE;
	SLOT_SCOPE slot = { .fd = -1 };
	struct json_object *columns;
	struct import *i;
	enum err e = find(rq, &i);

	if (e == OK)
		e = export_begin(rq, rs, &slot);
	if (e == OK)
		e = respond_stream(rs, "text/csv; charset=utf-8",
		    noted ? "notes.csv" : "refused.csv");
	if (e != OK)
		return e;
	buf_str(head,
	    "\xEF\xBB\xBF"
	    "row,reason");
	columns = json_get(i->format, "columns");
	for (size_t k = 0; columns && k < json_object_array_length(columns); k++)
		csv_put(head,
		    json_text(json_object_array_get_idx(columns, k), "name", ""));
	csv_end_row(head);
	response_write(rs, head->data, head->len);
	while (e == OK && n == REFUSED_PAGE) {
		MEM_SCOPE void *tmp = mem_scope(NULL, "refused");
		struct buf *b = buf_new(tmp);
		struct import_refusal *r;

		e = import_refusals(rq->db, tmp, &q, &r);
		for (n = 0; e == OK && r[n].row; n++) {
			csv_put_int(b, r[n].row);
			csv_put(b, r[n].reason);
			buf_char(b, ',');
			buf_str(b, r[n].content);
			csv_end_row(b);
			q.after = r[n].row;
		}
		response_write(rs, b->data, b->len);
	}
	return e;
}

enum err import_refused_csv(struct request *rq, struct response *rs)
{
	return rows_csv(rq, rs, false);
}

enum err import_notes_csv(struct request *rq, struct response *rs)
{
	return rows_csv(rq, rs, true);
}
