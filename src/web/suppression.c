#include "web/suppression.h"

#include <string.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "service/suppression.h"
#include "web/access.h"
#include "web/export.h"

enum { SEARCH_MAX = 200, CSV_PAGE = 500 };

static const char *const reasons[] = { "unsubscribed", "bounced", "complained",
	"manual", NULL };

static struct origin origin_of(const struct request *rq)
{
	return (struct origin){ .source = rq->api ? "api" : "page",
		.ip = rq->ip,
		.now = rq->now };
}

/* A cursor is a time and a key, or a key alone where a search goes by addresses. */
static void read_cursor(struct request *rq, struct suppression_filter *f)
{
	const char *cursor = form_line(rq->query, "cursor", 0, 400),
		   *at = strchr(cursor, '_');

	if (!*cursor)
		return;
	f->before_key = at ? at + 1 : cursor;
	if (f->search)
		f->before_key = cursor;
	else if (!at ||
	    !text_to_int(mem_strn(rq, cursor, (size_t)(at - cursor)), 1, INT64_MAX,
		&f->before))
		form_fail(rq->query, "cursor", "There is no such page.");
}

static struct suppression_filter filter_of(struct request *rq)
{
	struct suppression_filter f = { .brand = rq->args[0] };
	const char *search = form_line(rq->query, "q", 0, SEARCH_MAX);
	int reason = text_empty(form_get(rq->query, "reason"))
	    ? -1
	    : form_choice(rq->query, "reason", reasons, -1);

	f.reason = reason >= 0 ? reasons[reason] : NULL;
	f.search = *search ? search : NULL;
	f.limit = (size_t)form_int(rq->query, "limit", 1, 200, 50);
	read_cursor(rq, &f);
	return f;
}

enum err suppression_index(struct request *rq, struct response *rs)
{
	struct suppression_filter f = filter_of(rq);
	struct json_object *o = json_obj(rs), *items = json_arr(rs);
	struct suppression *all;
	size_t n, limit = f.limit++;
	const char *next = NULL;
	enum err e;

	if (!form_ok(rq->query))
		return respond_error(rs, ERR_MALFORMED,
		    "The address of this page has a filter that does not exist.");
	e = suppression_page(rq->db, rq, &f, &all, &n);
	if (e != OK)
		return e;
	for (size_t i = 0; i < n && i < limit; i++)
		json_push(items, suppression_json(rs, &all[i]));
	if (n > limit && f.search)
		next = all[limit - 1].email_key;
	else if (n > limit)
		next = mem_printf(rs, "%lld_%s", (long long)all[limit - 1].created_at,
		    all[limit - 1].email_key);
	json_set(o, "items", items);
	json_set_text(o, "next_cursor", next);
	return respond(rs, o);
}

enum err suppression_new(struct request *rq, struct response *rs)
{
	(void)rq;
	rs->extra = json_obj(rs);
	return OK;
}

enum err suppression_put(struct request *rq, struct response *rs)
{
	const struct origin o = origin_of(rq);
	struct json_object *model = json_obj(rs);
	struct suppressed n;
	enum err e = suppression_make(rq->db, rq, rq->args[0], rq->form, &o, &n);

	if (e != OK)
		return e;
	json_set_int(model, "added", n.added);
	json_set_int(model, "known", n.known);
	audit(rq, "suppression.create", 0, model);
	respond_flash(rs, "%lld added, %lld were suppressed before.",
	    (long long)n.added, (long long)n.known);
	return respond_seen(rs, model, "/brands/%lld/suppressions",
	    (long long)rq->args[0]);
}

enum err suppression_ask(struct request *rq, struct response *rs)
{
	rs->extra = json_obj(rs);
	json_set_text(rs->extra, "email", form_get(rq->query, "email"));
	return OK;
}

enum err suppression_drop(struct request *rq, struct response *rs)
{
	const struct origin o = origin_of(rq);
	struct json_object *model = json_obj(rs), *detail = json_obj(rs);
	struct lifted done;
	enum err e =
	    suppression_take_back(rq->db, rq, rq->args[0], rq->form, &o, &done);

	if (e == ERR_NOTFOUND)
		return respond_error(rs, e, "This address is not suppressed.");
	if (e != OK)
		return e;
	json_set_int(model, "lifted", done.n);
	json_set_bool(model, "more", done.more);
	json_set_int(detail, "lifted", done.n);
	json_set_text(detail, "email", form_get(rq->form, "email"));
	json_set_text(detail, "since", form_get(rq->form, "since"));
	json_set_text(detail, "note", form_get(rq->form, "note"));
	audit(rq, "suppression.lift", 0, detail);
	respond_flash(rs, "%lld may be mailed again.", (long long)done.n);
	return respond_seen(rs, model, "/brands/%lld/suppressions",
	    (long long)rq->args[0]);
}

static void put_line(struct buf *b, void *mem, const struct suppression *x)
{
	csv_put(b, x->email_key);
	csv_put(b, x->reason);
	csv_put(b, x->detail);
	csv_put(b, time_rfc3339(mem, x->created_at));
	csv_end_row(b);
}

enum err suppression_csv(struct request *rq, struct response *rs)
{
	static const char head[] = "\xEF\xBB\xBF"
				   "email,reason,detail,created_at\r\n";
	struct suppression_filter f = filter_of(rq);
	SLOT_SCOPE slot = { .fd = -1 };
	size_t n = f.limit = CSV_PAGE;
	enum err e;

	if (!form_ok(rq->query))
		return respond_error(rs, ERR_MALFORMED,
		    "This export has a filter that does not exist.");
	e = export_begin(rq, rs, &slot);
	if (e == OK)
		e = respond_stream(rs, "text/csv; charset=utf-8", "suppressions.csv");
	if (e != OK)
		return e;
	audit(rq, "suppression.export", 0, NULL);
	response_write(rs, head, sizeof(head) - 1);
	while (e == OK && n == CSV_PAGE) {
		MEM_SCOPE void *tmp = mem_scope(NULL, "suppressions");
		struct buf *b = buf_new(tmp);
		struct suppression *all;

		e = suppression_page(rq->db, tmp, &f, &all, &n);
		for (size_t i = 0; e == OK && i < n; i++)
			put_line(b, tmp, &all[i]);
		response_write(rs, b->data, b->len);
		if (e == OK && n > 0) {
			f.before = all[n - 1].created_at;
			f.before_key = mem_str(rq, all[n - 1].email_key);
		}
	}
	return e;
}
