#include "web/audit.h"

#include "base/csv.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/brand.h"
#include "service/audit.h"
#include "service/device.h"
#include "web/access.h"
#include "web/campaign.h"
#include "web/export.h"

enum { PAGE_ROWS = 50, CSV_ROWS = 500, WORD_MAX = 200, NOUN_MAX = 40 };

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* ---- what is looked for ---- */

/* A day of the zone, or a moment; *ms is its beginning, or its end. */
static void take_day(struct request *rq, const char *name, bool end, int64_t *ms)
{
	const struct brand *b = rq->caller->brand;
	const char *zone = b ? b->time_zone : "UTC";
	const char *text = form_line(rq->query, name, 0, 40);

	*ms = 0;
	if (text_empty(text) || time_parse_rfc3339(text, ms))
		return;
	if (!date_valid(text) ||
	    !time_parse_local(mem_printf(rq, "%sT00:00", text), zone, ms))
		form_fail(rq->query, name,
		    "Write a day as 2026-11-24, or a time as 2026-11-24T09:00:00Z.");
	else if (end)
		*ms += DAY_MS;
}

static struct audit_filter filter_of(struct request *rq)
{
	const struct brand *b = rq->caller->brand;
	struct audit_filter f = { .brand_id = b ? b->id : 0,
		.limit = page_limit(rq, PAGE_ROWS) };
	int64_t id;

	f.person = form_line(rq->query, "person", 0, WORD_MAX);
	f.noun = form_line(rq->query, "action", 0, NOUN_MAX);
	f.about = form_line(rq->query, "object", 0, WORD_MAX);
	if (text_to_int(f.about, 1, INT64_MAX, &id)) {
		f.object_id = id;
		f.about = "";
	}
	take_day(rq, "from", false, &f.from);
	take_day(rq, "to", true, &f.before);
	f.cursor = form_int(rq->query, "cursor", 0, INT64_MAX, 0);
	return f;
}

/* ---- page and API ---- */

static struct json_object *nouns_json(void *mem)
{
	struct json_object *all = json_arr(mem);

	for (const struct audit_noun *n = audit_nouns; n->noun; n++) {
		struct json_object *o = json_obj(mem);

		json_set_text(o, "value", n->noun);
		json_set_text(o, "label", n->label);
		json_push(all, o);
	}
	return all;
}

/* Where the object of a line can be looked at; NULL: nowhere. */
static const char *place_of(void *mem, const struct audit_line *l)
{
	static const struct {
		const char *prefix, *path;
	} places[] = { { "campaign.", "campaigns" }, { "list.", "lists" },
		{ "subscriber.", "subscribers" }, { "import.", "imports" } };

	if (!l->object_id || !l->brand_id || text_empty(l->brand) ||
	    text_ends(l->action, ".delete"))
		return NULL;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (text_starts(l->action, places[i].prefix))
			return mem_printf(mem, "/brands/%lld/%s/%lld",
			    (long long)l->brand_id, places[i].path,
			    (long long)l->object_id);
	}
	return NULL;
}

enum err audit_index(struct request *rq, struct response *rs)
{
	struct audit_filter f = filter_of(rq);
	struct json_object *o = json_obj(rs), *items = json_arr(rs);
	struct audit_line *l;
	int want = f.limit;
	size_t n, i;
	enum err e;

	f.limit++;
	e = audit_page(rq->db, rq, &f, &l, &n);
	if (e != OK)
		return e;
	for (i = 0; i < n && i < (size_t)want; i++) {
		struct json_object *line = audit_json(rs, &l[i]);

		if (!rq->api) {
			json_set_text(line, "place", place_of(rs, &l[i]));
			json_set_text(line, "device", device_name(rq, l[i].agent));
		}
		json_push(items, line);
	}
	json_set(o, "items", items);
	json_set_text(o, "next_cursor",
	    n > (size_t)want ? mem_printf(rs, "%lld", (long long)l[want - 1].id)
			     : NULL);
	rs->extra = json_obj(rs);
	json_set(rs->extra, "nouns", nouns_json(rs));
	json_set(rs->extra, "wrong", form_errors(rq->query));
	return respond(rs, o);
}

/* ---- as a file ---- */

static void put_line(struct buf *b, void *mem, const struct audit_line *l)
{
	csv_put(b, time_rfc3339(mem, l->at));
	csv_put(b, l->actor);
	csv_put(b, l->actor_email);
	csv_put(b, l->brand);
	csv_put(b, audit_words(mem, l));
	csv_put(b, l->action);
	if (l->object_id)
		csv_put_int(b, l->object_id);
	else
		csv_put(b, "");
	csv_put(b, l->label);
	csv_put(b, l->detail);
	csv_put(b, l->ip);
	csv_put(b, l->agent);
	csv_end_row(b);
}

/* Page after page: memory does not grow. */
static enum err write_all(struct request *rq, struct response *rs,
    struct audit_filter *f)
{
	size_t n = f->limit = CSV_ROWS;
	enum err e = OK;

	while (e == OK && n == CSV_ROWS) {
		MEM_SCOPE void *tmp = mem_scope(NULL, "audit_csv");
		struct buf *b = buf_new(tmp);
		struct audit_line *l;

		e = audit_page(rq->db, tmp, f, &l, &n);
		if (e != OK || n == 0)
			return e;
		for (size_t i = 0; i < n; i++)
			put_line(b, tmp, &l[i]);
		response_write(rs, b->data, b->len);
		f->cursor = l[n - 1].id;
	}
	return e;
}

enum err audit_csv(struct request *rq, struct response *rs)
{
	static const char head[] = "\xEF\xBB\xBF"
				   "at,who,email,brand,what,action,object_id,object,"
				   "detail,ip,agent\r\n";
	struct audit_filter f = filter_of(rq);
	SLOT_SCOPE slot = { .fd = -1 };
	enum err e;

	if (!form_ok(rq->query))
		return respond_error(rs, ERR_MALFORMED,
		    "This export has a filter that does not exist.");
	e = export_begin(rq, rs, &slot);
	if (e != OK)
		return e;
	audit(rq, "audit.export", 0, NULL);
	e = respond_stream(rs, "text/csv; charset=utf-8", "audit.csv");
	if (e != OK)
		return e;
	response_write(rs, head, sizeof(head) - 1);
	f.cursor = 0;
	return write_all(rq, rs, &f);
}
