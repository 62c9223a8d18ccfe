#include "web/recipient.h"

#include "base/csv.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/ledger.h"
#include "repo/recipient.h"
#include "web/access.h"
#include "web/campaign.h"
#include "web/export.h"

enum { PAGE_ROWS = 50, CSV_ROWS = 500, SEARCH_MAX = 254, REASON_MAX = 1000 };

#define OPEN_STATES ((1u << DELIVERY_ACCEPTED) - 1)

/* A state by its name, or one of the groups people think in. */
static void take_state(struct request *rq, struct recipient_filter *f)
{
	const char *word = form_line(rq->query, "state", 0, 20);
	int state = delivery_state_from(word);

	if (text_equal(word, "bounced"))
		f->bounced = true;
	else if (text_equal(word, "left"))
		f->states = OPEN_STATES;
	else if (state >= 0)
		f->states = 1u << state;
	else if (!text_empty(word))
		form_fail(rq->query, "state", "There is no state “%s”.", word);
}

static struct recipient_filter filter_of(struct request *rq)
{
	struct recipient_filter f = { .limit = page_limit(rq, PAGE_ROWS) };

	take_state(rq, &f);
	f.search = form_text(rq->query, "q", 0, SEARCH_MAX);
	f.reason = form_text(rq->query, "reason", 0, REASON_MAX);
	f.after = form_int(rq->query, "cursor", 0, INT64_MAX, 0);
	return f;
}

static enum err refuse_filter(const struct request *rq, struct response *rs)
{
	const char *why = form_error(rq->query, "state");

	return respond_error(rs, ERR_MALFORMED, "%s",
	    why ? why : "This list of recipients has a filter that does not exist.");
}

static struct json_object *recipient_json(void *mem, const struct recipient *r)
{
	struct json_object *o = json_obj(mem);
	const struct delivery *d = &r->d;

	json_set_int(o, "id", d->id);
	json_set_int(o, "subscriber_id", d->subscriber_id);
	json_set_text(o, "email", d->email);
	json_set_text(o, "name", r->name);
	json_set_text(o, "state", delivery_state_name(d->state));
	json_set_text(o, "reason", d->reason);
	json_set_int(o, "tries", d->tries);
	json_set_text(o, "message_id", d->message_id);
	json_set_time(o, "next_try_at", d->next_try_at);
	json_set_time(o, "settled_at", d->settled_at);
	json_set_time(o, "delivered_at", d->delivered_at);
	json_set_time(o, "bounced_at", d->bounced_at);
	json_set_text(o, "bounce", r->bounce);
	json_set_time(o, "complained_at", r->complained_at);
	json_set_time(o, "opened_at", d->opened_at);
	json_set_time(o, "machine_opened_at", d->machine_opened_at);
	json_set_time(o, "clicked_at", d->clicked_at);
	json_set_time(o, "machine_clicked_at", d->machine_clicked_at);
	json_set_time(o, "unsubscribed_at", d->unsubscribed_at);
	return o;
}

enum err recipient_first(struct request *rq, void *mem, int64_t campaign, int limit,
    struct json_object **out)
{
	struct recipient_filter f = { .limit = limit };
	struct recipient_rows page;
	size_t i;
	enum err e = recipient_page(rq->db, rq, campaign, &f, &page);

	*out = json_arr(mem);
	for (i = 0; e == OK && i < page.n; i++)
		json_push(*out, recipient_json(mem, &page.rows[i]));
	return e;
}

static enum err add_extra(struct request *rq, struct response *rs,
    const struct campaign *c)
{
	struct campaign_stats stats;
	struct delivery_counts counts;
	enum err e = ledger_counts(rq->db, c->id, &counts);

	if (e == OK)
		e = campaign_stats_get(rq->db, c->id, &stats);
	if (e != OK)
		return e;
	rs->extra = json_obj(rs);
	json_set(rs->extra, "campaign", campaign_head_json(rs, c));
	json_set(rs->extra, "counts", counts_json(rs, &counts));
	json_set_int(rs->extra, "bounced", stats.bounced + stats.soft_bounced);
	return OK;
}

enum err recipient_index(struct request *rq, struct response *rs)
{
	struct recipient_filter f = filter_of(rq);
	struct json_object *o = json_obj(rs), *items = json_arr(rs);
	struct recipient_rows page;
	struct campaign *c;
	size_t i;
	enum err e = campaign_find(rq, &c);

	if (e == OK && !form_ok(rq->query))
		return refuse_filter(rq, rs);
	if (e == OK)
		e = recipient_page(rq->db, rq, c->id, &f, &page);
	if (e == OK && !rq->api)
		e = add_extra(rq, rs, c);
	if (e != OK)
		return e;
	for (i = 0; i < page.n; i++)
		json_push(items, recipient_json(rs, &page.rows[i]));
	json_set(o, "items", items);
	json_set_text(o, "next_cursor",
	    page.next != 0 ? mem_printf(rs, "%lld", (long long)page.next) : NULL);
	return respond(rs, o);
}

/* ---- the whole ledger as a file ---- */

static const char *const columns[] = { "email", "name", "state", "reason", "tries",
	"message_id", "handed_over", "delivered", "bounced", "bounce", "complained",
	"opened", "opened_by_machine", "clicked", "clicked_by_machine",
	"unsubscribed" };

static void put_time(struct buf *b, int64_t ms)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "put_time");

	csv_put(b, ms != 0 ? time_rfc3339(tmp, ms) : "");
}

static void put_row(struct buf *b, const struct recipient *r)
{
	const struct delivery *d = &r->d;

	csv_put(b, d->email);
	csv_put(b, r->name);
	csv_put(b, delivery_state_name(d->state));
	csv_put(b, d->reason);
	csv_put_int(b, d->tries);
	csv_put(b, d->message_id != NULL ? d->message_id : "");
	put_time(b, d->settled_at);
	put_time(b, d->delivered_at);
	put_time(b, d->bounced_at);
	csv_put(b, r->bounce);
	put_time(b, r->complained_at);
	put_time(b, d->opened_at);
	put_time(b, d->machine_opened_at);
	put_time(b, d->clicked_at);
	put_time(b, d->machine_clicked_at);
	put_time(b, d->unsubscribed_at);
	csv_end_row(b);
}

/* One page of rows; memory stays flat whatever the size of the ledger. */
static enum err write_rows(struct request *rq, struct response *rs, int64_t campaign,
    struct recipient_filter *f)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "recipient_csv");
	struct buf *b = buf_new(tmp);
	struct recipient_rows page;
	size_t i;
	enum err e = recipient_page(rq->db, tmp, campaign, f, &page);

	for (i = 0; e == OK && i < page.n; i++)
		put_row(b, &page.rows[i]);
	if (e == OK)
		response_write(rs, b->data, b->len);
	f->after = page.next;
	return e;
}

enum err recipient_csv(struct request *rq, struct response *rs)
{
	struct recipient_filter f = filter_of(rq);
	struct buf *head = buf_new(rq);
	SLOT_SCOPE slot = { .fd = -1 };
	struct campaign *c;
	size_t i;
	enum err e = campaign_find(rq, &c);

	if (e == OK && !form_ok(rq->query))
		return refuse_filter(rq, rs);
	if (e == OK)
		e = export_begin(rq, rs, &slot);
	if (e == OK)
		e = respond_stream(rs, "text/csv; charset=utf-8",
		    mem_printf(rs, "campaign-%lld-recipients.csv", (long long)c->id));
	if (e != OK)
		return e;
	audit_name(rq, "campaign.export", c->id, c->name);
	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		csv_put(head, columns[i]);
	csv_end_row(head);
	response_write(rs, head->data, head->len);
	f.limit = CSV_ROWS;
	do
		e = write_rows(rq, rs, c->id, &f);
	while (e == OK && f.after != 0);
	return e;
}
