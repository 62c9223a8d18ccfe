#include "send/slice.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/pace.h"
#include "repo/ledger_doubt.h"
#include "service/host.h"
#include "send/turn.h"

enum {
	CANCEL_FIRST = 1000,
	CANCEL_LEAST = 100,
	CANCEL_MOST = 10000,
	KEPT_AWAY_MS = 1000,
	HELD_MS = 30000,
	AWAKE_MS = 600000
};

/* Rows of a campaign that was cancelled, or was paused when a worker died. */
static enum err tidy(struct slice *s, const struct due_campaign *due)
{
	struct pace pace = { CANCEL_FIRST, CANCEL_LEAST, CANCEL_MOST };
	bool alive;
	int64_t left = INT64_MAX, before;
	enum err e = turn_reclaim(s, due->id, &alive);

	if (e != OK || due->status != CAMPAIGN_CANCELLED)
		return e;
	do {
		before = left;
		e = ledger_cancel_open(s->app->db, due->id, pace.rows,
		    clock_now(s->app->clock), &left);
		pace_took(&pace, pace.rows, db_held_us(s->app->db));
	} while (
	    e == OK && left > 0 && left < before && clock_mono_ms() < s->claim_until);
	return e;
}

/* What is left, and when to come again. */
static enum err look_ahead(struct slice *s, void *mem)
{
	struct app *app = s->app;
	int64_t now = clock_now(app->clock), at = 0;
	struct due_campaign *due;
	size_t n;
	enum err e = ledger_due(app->db, mem, now, &due, &n);

	for (size_t i = 0; e == OK && i < n; i++) {
		struct delivery_counts c;

		if (!due_sends(&due[i]))
			continue;
		e = ledger_counts(app->db, due[i].id, &c);
		s->report.left += c.n[DELIVERY_PENDING] + c.n[DELIVERY_CLAIMED] +
		    c.n[DELIVERY_INTENT] + c.n[DELIVERY_RETRY];
		if (c.n[DELIVERY_PENDING] || due[i].status == CAMPAIGN_SCHEDULED ||
		    !c.audience)
			s->report.more = true;
	}
	if (e == OK)
		e = ledger_next_at(app->db, &at);
	if (at && at <= now)
		s->report.more = true;
	if (s->kept_away && !s->report.done)
		s->report.more = false;
	if (!s->report.more)
		s->report.next_in_ms = s->kept_away ? KEPT_AWAY_MS : at ? at - now : 0;
	return e;
}

static enum err slice_work(struct slice *s, void *mem)
{
	struct due_campaign *due;
	size_t n = 0;
	int64_t now = clock_now(s->app->clock);
	int64_t again = 0;
	enum err e = ledger_wake(s->app->db, now);

	if (e == OK)
		e = ledger_policy(s->app->db, now, &again);
	if (again)
		log_warn(&s->app->log, "campaign.resent", LOG_INT("doubts", again));
	if (e == OK)
		e = ledger_due(s->app->db, mem, now, &due, &n);
	for (size_t i = 0; e == OK && i < n; i++)
		if (!due_sends(&due[i]))
			e = tidy(s, &due[i]);
	if (e == OK && n)
		e = lanes_run(s);
	return e == OK ? look_ahead(s, mem) : e;
}

/* A database that is not where it was sends nothing until a person has looked. */
static enum err look_held(struct slice *s, void *mem, const struct host_place *place)
{
	struct app *app = s->app;
	struct host h;
	bool changed;
	enum err e;

	s->connects = db_connects(app->db);
	e = host_visit(app->db, mem, place, clock_now(app->clock), &h, &changed);
	if (e != OK)
		return e;
	if (changed && !*h.held)
		log_info(&app->log, "host.new", LOG_STR("host", h.name));
	if (!*h.held) {
		e = host_awake(app->db, h.seen_at - AWAKE_MS, &s->hosts);
		return e == OK ? host_marker_open(mem, app->db, place, h.id, &s->marker)
			       : e;
	}
	s->report.held = host_held_word(h.held);
	s->report.next_in_ms = HELD_MS;
	log_warn(&app->log, "host.held", LOG_STR("host", h.name),
	    LOG_STR("held", h.held),
	    LOG_STR("todo", "look at /hosts, or run maillayer confirm"));
	return OK;
}

enum err slice_run(struct app *app, int64_t budget_ms, struct work_report *out)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "slice");
	int64_t start = clock_mono_ms();
	struct slice s = { .app = app, .claim_until = start + budget_ms * 9 / 10 };
	const struct host_place place = host_place_of(app);
	enum err e = look_held(&s, mem, &place);

	if (e == OK && !s.report.held)
		e = worker_open(mem, app->db, app->config->server.state_dir, &s.worker);
	if (e == OK && !s.report.held)
		e = slice_work(&s, mem);
	/* What was settled since the last mark is part of this database too. */
	if (e == OK && s.marker && host_marker_told(s.marker))
		e = host_leave(app->db, mem, &place, clock_now(app->clock));
	*out = s.report;
	log_at(&app->log, e == OK ? LOG_INFO : LOG_ERROR, "slice.done",
	    LOG_INT("done", s.report.done), LOG_INT("left", s.report.left),
	    LOG_INT("ms", clock_mono_ms() - start),
	    LOG_STR("error", e == OK ? "" : err_name(e)));
	return e;
}
