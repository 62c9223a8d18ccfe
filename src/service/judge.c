#include "service/judge.h"

#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/mem.h"
#include "repo/event.h"
#include "service/agent.h"

enum { BURST_MS = 1000, BURST_LINKS = 3 };
/*
 * An event changes the judgement of those at most two bursts away: of a click that is
 * a burst with it, and of an open beside that.  To judge these, two more are needed.
 */
enum { CHANGES_MS = 2 * BURST_MS, NEEDS_MS = 4 * BURST_MS };

/* An event as it is judged now, and what it was held for before. */
struct judged {
	struct event ev;
	enum machine_reason was;
	bool burst;
	bool stale; /* to be written */
	bool added; /* not stored yet */
};

/* Events of one recipient that are judged together. */
struct bench {
	struct db *db;
	void *mem;
	struct event_recipient r;
	struct judged *list; /* in order of time */
	size_t n;
	struct event_gain gain;
	struct standing from, to;
};

/* ---- one event alone ---- */

static void judge_alone(struct event *ev, const struct event_recipient *r)
{
	struct agent a = { client_family(ev->client), ev->reason };

	if (ev->rules < JUDGE_RULES && ev->sent_ms == SENT_UNKNOWN && r->settled_at)
		ev->sent_ms = ev->at - r->settled_at;
	ev->rules = JUDGE_RULES;
	if (ev->reason == MACHINE_BURST)
		a.reason = MACHINE_NOT;
	if (ev->agent != NULL) {
		a = agent_read(ev->agent);
		ev->client = client_name(a.family);
	}
	ev->reason = agent_reason(a, ev->type, ev->sent_ms);
}

static void put(struct bench *b, const struct event *ev, bool added)
{
	struct judged j = { .ev = *ev, .was = ev->reason, .added = added };
	size_t at = b->n++;

	if (j.ev.client == NULL)
		j.ev.client = "";
	j.stale = added || ev->rules < JUDGE_RULES;
	judge_alone(&j.ev, &b->r);
	while (at > 0 && b->list[at - 1].ev.at > ev->at) {
		b->list[at] = b->list[at - 1];
		at--;
	}
	b->list[at] = j;
}

/* ---- bursts ---- */

static bool same_client(const struct event *a, const struct event *b)
{
	if (a->agent != NULL && b->agent != NULL)
		return strcmp(a->agent, b->agent) == 0;
	return strcmp(a->client, b->client) == 0;
}

/* How many links, at most BURST_LINKS, were followed within a burst from click i on. */
static int links_from(const struct bench *b, size_t i, size_t *end)
{
	int links[BURST_LINKS], n = 0, k;
	int64_t until = b->list[i].ev.at + BURST_MS;

	for (*end = i; *end < b->n && b->list[*end].ev.at <= until; (*end)++) {
		const struct event *ev = &b->list[*end].ev;

		if (ev->type != EVENT_CLICK)
			continue;
		for (k = 0; k < n && links[k] != ev->link; k++)
			;
		if (k == n && n < BURST_LINKS)
			links[n++] = ev->link;
	}
	return n;
}

/* Clicks that are part of a burst of `need` links. */
static void find_clicks(struct bench *b, int need)
{
	size_t end, marked = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (b->list[i].ev.type != EVENT_CLICK || links_from(b, i, &end) < need)
			continue;
		for (marked = marked > i ? marked : i; marked < end; marked++)
			b->list[marked].burst = b->list[marked].ev.type == EVENT_CLICK;
	}
}

static bool is_beside(const struct judged *click, const struct event *open)
{
	return click->ev.type == EVENT_CLICK && click->burst &&
	    same_client(&click->ev, open);
}

static bool beside_burst(const struct bench *b, size_t open)
{
	const struct event *o = &b->list[open].ev;

	for (size_t i = open; i-- > 0 && b->list[i].ev.at >= o->at - BURST_MS;)
		if (is_beside(&b->list[i], o))
			return true;
	for (size_t i = open; i < b->n && b->list[i].ev.at <= o->at + BURST_MS; i++)
		if (is_beside(&b->list[i], o))
			return true;
	return false;
}

static bool has_two_links(const struct bench *b)
{
	const struct event *first = NULL;

	for (size_t i = 0; i < b->n; i++) {
		const struct event *ev = &b->list[i].ev;

		if (ev->type != EVENT_CLICK)
			continue;
		if (first != NULL && ev->link != first->link)
			return true;
		first = ev;
	}
	return false;
}

/* Judges all of them by all of them; the times between which they are written. */
static enum err judge_together(struct bench *b, int64_t from, int64_t to)
{
	int64_t links = 0;
	enum err e =
	    has_two_links(b) ? event_links(b->db, b->r.campaign_id, &links) : OK;

	if (e == OK && links >= 2)
		find_clicks(b, links < BURST_LINKS ? (int)links : BURST_LINKS);
	for (size_t i = 0; i < b->n; i++)
		if (b->list[i].ev.type == EVENT_OPEN)
			b->list[i].burst = beside_burst(b, i);
	for (size_t i = 0; i < b->n; i++) {
		struct judged *j = &b->list[i];
		bool near = j->ev.at >= from && j->ev.at <= to;

		if (j->burst && j->ev.reason == MACHINE_NOT)
			j->ev.reason = MACHINE_BURST;
		j->stale = near && (j->stale || j->ev.reason != j->was);
	}
	return e;
}

/* ---- writing ---- */

/* A link whose followers may change. */
struct follower {
	int link;
	bool seen;
};

static bool is_person(const struct event *ev)
{
	return ev->reason == MACHINE_NOT;
}

static bool moves_link(const struct judged *j)
{
	bool before = !j->added && j->was == MACHINE_NOT;

	return j->stale && j->ev.type == EVENT_CLICK && before != is_person(&j->ev);
}

static enum err note_links(struct bench *b, struct follower *f, size_t *n)
{
	enum err e = OK;

	*n = 0;
	for (size_t i = 0; e == OK && i < b->n; i++) {
		size_t k = 0;

		if (!moves_link(&b->list[i]))
			continue;
		while (k < *n && f[k].link != b->list[i].ev.link)
			k++;
		if (k < *n)
			continue;
		f[k].link = b->list[i].ev.link;
		e = event_link_seen(b->db, &b->r, f[k].link, &f[k].seen);
		(*n)++;
	}
	return e;
}

static enum err settle_links(struct bench *b, const struct follower *f, size_t n)
{
	bool seen = false;
	enum err e = OK;

	for (size_t i = 0; e == OK && i < n; i++) {
		e = event_link_seen(b->db, &b->r, f[i].link, &seen);
		if (e == OK && seen != f[i].seen)
			e = event_link_people(b->db, b->r.campaign_id, f[i].link,
			    seen ? 1 : -1);
	}
	return e;
}

static enum err write_one(struct bench *b, const struct judged *j)
{
	struct event before = j->ev;
	enum err e =
	    j->added ? event_insert(b->db, &j->ev) : event_rejudge(b->db, &j->ev);

	before.reason = j->was;
	if (e != OK || (!j->added && j->was == j->ev.reason))
		return e;
	if (!j->added)
		e = event_count(b->db, &before, -1, &b->gain);
	return e == OK ? event_count(b->db, &j->ev, 1, &b->gain) : e;
}

static enum err write_events(struct bench *b)
{
	struct follower *f = mem_array(b->mem, struct follower, b->n);
	size_t n;
	enum err e = note_links(b, f, &n);

	for (size_t i = 0; e == OK && i < b->n; i++)
		if (b->list[i].stale)
			e = write_one(b, &b->list[i]);
	return e == OK ? settle_links(b, f, n) : e;
}

/* ---- what it comes to ---- */

static void earliest(int64_t *first, int64_t at)
{
	if (*first == 0 || at < *first)
		*first = at;
}

/* Where only one event is added, there is no need to look at the others. */
static void add_to_standing(struct standing *s, const struct event *ev)
{
	bool click = ev->type == EVENT_CLICK;

	if (!is_person(ev)) {
		earliest(click ? &s->machine_clicked_at : &s->machine_opened_at,
		    ev->at);
		return;
	}
	earliest(click ? &s->clicked_at : &s->seen_at, ev->at);
	if (s->opened_at == 0)
		s->client = ev->client;
	earliest(&s->opened_at, ev->at);
}

/*
 * The row says enough unless a judgement changes, the first event becomes another one,
 * or an open comes after a click, which alone may have proved it.
 */
static bool row_is_enough(const struct bench *b, const struct event *ev, size_t stale)
{
	const struct standing *row = &b->r.row;

	if (stale > 1)
		return false;
	if (!is_person(ev) || row->opened_at == 0)
		return true;
	return ev->at > row->opened_at &&
	    (ev->type == EVENT_CLICK || row->clicked_at == 0);
}

/* Writes what is stale, and moves what is counted. */
static enum err settle(struct bench *b, const struct event *added, size_t stale)
{
	bool enough = added != NULL && row_is_enough(b, added, stale);
	enum err e = OK;

	b->from = b->r.row;
	b->from.seen_at = b->r.row.opened_at;
	if (!enough)
		e = event_standing(b->db, b->mem, &b->r, &b->from);
	if (e == OK)
		e = write_events(b);
	if (e != OK)
		return e;
	b->to = b->from;
	if (enough)
		add_to_standing(&b->to, added);
	else
		e = event_standing(b->db, b->mem, &b->r, &b->to);
	if (e == OK)
		e = event_move(b->db, &b->r, &b->from, &b->to, &b->gain);
	return e == OK
	    ? event_add_gain(b->db, b->r.campaign_id, &b->gain, added ? added->at : 0)
	    : e;
}

static enum err settle_stale(struct bench *b)
{
	const struct event *added = NULL;
	size_t stale = 0;

	for (size_t i = 0; i < b->n; i++) {
		stale += b->list[i].stale;
		if (b->list[i].added)
			added = &b->list[i].ev;
	}
	return stale ? settle(b, added, stale) : OK;
}

/* ---- one event more ---- */

/* With those that it may change, or that change it. */
static enum err read_near(struct bench *b, const struct event *ev)
{
	const struct standing *row = &b->r.row;
	struct event_list near = { 0 };
	bool clicks = ev->type == EVENT_CLICK || row->clicked_at != 0 ||
	    row->machine_clicked_at != 0;
	enum err e = clicks ? event_between(b->db, b->mem, &b->r, ev->at - NEEDS_MS,
				  ev->at + NEEDS_MS, &near)
			    : OK;

	b->list = mem_array(b->mem, struct judged, near.n + 1);
	for (size_t i = 0; i < near.n; i++)
		put(b, &near.all[i], false);
	put(b, ev, true);
	return e;
}

enum err judge_event(struct db *db, const struct event *ev)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "judge");
	struct bench b = { .db = db, .mem = tmp };
	struct event mine = *ev;
	enum err e = event_recipient(db, ev->campaign_id, ev->subscriber_id, &b.r);

	if (e != OK)
		return e == ERR_NOTFOUND ? OK : e;
	mine.brand_id = b.r.brand_id;
	mine.sent_ms = SENT_UNKNOWN;
	mine.rules = 0;
	e = read_near(&b, &mine);
	if (e == OK)
		e = judge_together(&b, ev->at - CHANGES_MS, ev->at + CHANGES_MS);
	return e == OK ? settle_stale(&b) : e;
}

/* ---- the history ---- */

enum err judge_recipient(struct db *db, int64_t campaign, int64_t subscriber,
    int64_t *changed)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "judge");
	struct bench b = { .db = db, .mem = tmp };
	struct event_list all = { 0 };
	enum err e = event_recipient(db, campaign, subscriber, &b.r);

	if (e == OK)
		e = event_between(db, tmp, &b.r, INT64_MIN, INT64_MAX, &all);
	if (e != OK)
		return e == ERR_NOTFOUND ? OK : e;
	b.list = mem_array(tmp, struct judged, all.n + 1);
	for (size_t i = 0; i < all.n; i++)
		put(&b, &all.all[i], false);
	e = judge_together(&b, INT64_MIN, INT64_MAX);
	for (size_t i = 0; i < b.n; i++)
		*changed += b.list[i].ev.reason != b.list[i].was;
	return e == OK ? settle_stale(&b) : e;
}

static int by_recipient(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->campaign_id != y->campaign_id)
		return x->campaign_id < y->campaign_id ? -1 : 1;
	if (x->subscriber_id != y->subscriber_id)
		return x->subscriber_id < y->subscriber_id ? -1 : 1;
	return 0;
}

static enum err judge_batch(struct db *db, struct event *older, size_t n,
    int64_t *changed)
{
	enum err e = OK;

	if (n > 1)
		qsort(older, n, sizeof(*older), by_recipient);
	for (size_t i = 0; e == OK && i < n; i++)
		if (i == 0 || by_recipient(&older[i - 1], &older[i]) != 0)
			e = judge_recipient(db, older[i].campaign_id,
			    older[i].subscriber_id, changed);
	return e;
}

enum err judge_history(struct db *db, int64_t now, int rows, struct judge_report *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "judge");
	TX_SCOPE tx = { 0 };
	struct event_batch older = { 0 };
	int64_t changed = 0;
	enum err e = tx_begin_keyed(db, &tx);

	if (e == OK)
		e = event_judged(db, JUDGE_RULES, &older.last);
	if (e == OK)
		e = event_older(db, tmp, JUDGE_RULES, rows, &older);
	if (e == OK)
		e = judge_batch(db, older.events, older.n, &changed);
	FAILPOINT("judge.rows");
	if (e == OK)
		e = event_set_judged(db, JUDGE_RULES, older.last,
		    older.looked ? 0 : now);
	if (e == OK)
		e = tx_commit(&tx);
	FAILPOINT("judge.committed");
	if (e != OK)
		return e;
	out->looked += older.looked;
	out->changed += changed;
	out->more = older.looked > 0;
	return OK;
}
