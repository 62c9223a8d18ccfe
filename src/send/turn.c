#include "send/turn.h"

#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/pace.h"
#include "base/stop.h"
#include "base/text.h"
#include "repo/brand.h"
#include "repo/campaign.h"
#include "repo/field.h"

enum {
	LOCK_SECONDS = 60,
	RENEW_MS = 20000,
	FREEZE_FIRST = 1000,
	FREEZE_LEAST = 100,
	FREEZE_MOST = 20000,
	STEP_MS = 50,
	PATIENCE_MS = 60000
};

/* ---- who else is at work ---- */
enum err turn_reclaim(struct slice *s, int64_t campaign, bool *alive)
{
	MEM_SCOPE void *tmp = mem_scope(s->worker, "owners");
	char **owners;
	size_t n;
	enum err e = ledger_owners(s->app->db, tmp, campaign, &owners, &n);

	*alive = false;
	for (size_t i = 0; e == OK && i < n; i++) {
		struct claim dead = { .owner = owners[i],
			.campaign = campaign,
			.now = clock_now(s->app->clock) };
		int64_t pending, doubt;

		if (text_equal(owners[i], worker_owner(s->worker)))
			continue;
		if (!worker_dead(s->worker, owners[i])) {
			*alive = true;
			continue;
		}
		e = ledger_reclaim(s->app->db, &dead, &pending, &doubt);
		log_warn(&s->app->log, "campaign.reclaimed",
		    LOG_INT("campaign", campaign), LOG_INT("pending", pending),
		    LOG_INT("doubt", doubt));
	}
	return e;
}

/* The lock is a hint: it keeps a second slice away only while the first one lives. */
static bool take_lock(struct turn *t, bool alive)
{
	char *key = mem_printf(t->campaign, "campaign:send-lock:%lld",
	    (long long)t->campaign->id);
	enum err e = lock_take(t->app->kv, key, LOCK_SECONDS, &t->lock);

	t->renew_at = clock_mono_ms() + RENEW_MS;
	return e != ERR_CONFLICT || !alive;
}

static void keep_lock(struct turn *t)
{
	if (!t->lock.held || clock_mono_ms() < t->renew_at)
		return;
	t->renew_at = clock_mono_ms() + RENEW_MS;
	if (lock_renew(&t->lock) == ERR_CONFLICT)
		t->lock.held = false;
}

/* ---- getting ready ---- */
static enum err pause_campaign(struct app *app, const struct due_campaign *due,
    const char *reason, int64_t resume_at)
{
	struct campaign_step step = {
		.from = 1u << CAMPAIGN_SCHEDULED | 1u << CAMPAIGN_SENDING,
		.to = CAMPAIGN_PAUSED,
		.reason = reason,
		.send_at = -1,
		.resume_at = resume_at,
	};
	enum err e = campaign_move(app->db, due->brand_id, due->id, &step,
	    clock_now(app->clock));

	log_warn(&app->log, "campaign.paused", LOG_INT("campaign", due->id),
	    LOG_STR("reason", reason));
	return e == ERR_CONFLICT ? OK : e; /* somebody else has stopped it already */
}

static enum err begin(struct turn *t, const struct due_campaign *due)
{
	struct campaign_step step = {
		.from = 1u << CAMPAIGN_SCHEDULED,
		.to = CAMPAIGN_SENDING,
		.send_at = -1,
	};
	int64_t now = clock_now(t->app->clock), late = now - due->send_at;
	int hours = t->app->config->server.missed_hours;

	if (due->status != CAMPAIGN_SCHEDULED)
		return OK;
	if (hours > 0 && late > (int64_t)hours * 3600000) {
		enum err e = pause_campaign(t->app, due,
		    "Its time passed while this server was not "
		    "sending. Look whether it should still go, then resume it.",
		    0);

		return e == OK ? ERR_CONFLICT : e;
	}
	return campaign_move(t->app->db, due->brand_id, due->id, &step, now);
}

static enum err freeze(struct turn *t, bool *complete)
{
	struct pace pace = { FREEZE_FIRST, FREEZE_LEAST, FREEZE_MOST };
	enum err e = OK;

	*complete = t->campaign->frozen_at != 0;
	if (!*complete && t->campaign->freeze_after == 0)
		log_info(&t->app->log, "campaign.started",
		    LOG_INT("campaign", t->campaign->id));
	while (e == OK && !*complete && clock_mono_ms() < t->until) {
		e = ledger_freeze(t->app->db, t->campaign->id, pace.rows,
		    clock_now(t->app->clock), complete);
		pace_took(&pace, pace.rows, db_held_us(t->app->db));
		keep_lock(t);
	}
	return e;
}

static const char *first_error(void *mem, const struct content *c)
{
	const struct compose_problem *p;
	size_t n = content_problems(c, &p);

	for (size_t i = 0; i < n; i++)
		if (p[i].level == PROBLEM_ERROR)
			return p[i].line ? mem_printf(mem, "The %s, line %d: %s",
					       p[i].part, p[i].line, p[i].text)
					 : p[i].text;
	return "The content cannot be sent.";
}

static enum err store_links(struct turn *t, size_t known)
{
	const struct compose_link *links;
	size_t n = content_links(t->content, &links);
	struct ledger_link *rows;

	if (n == known)
		return OK;
	rows = mem_array(t->campaign, struct ledger_link, n);
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct ledger_link){ links[i].number, links[i].url,
			links[i].label };
	return ledger_add_links(t->app->db, t->campaign->id, rows, n);
}

/* Compiles the content; a stored link keeps its number for ever. */
static enum err compile(struct turn *t)
{
	struct compose_source src = {
		.campaign = t->campaign,
		.brand = t->brand,
		.keys = t->app->keys,
		.public_url = t->app->config->server.public_url,
		.mode = COMPOSE_SEND,
		.now = clock_now(t->app->clock),
	};
	struct field *fields;
	struct ledger_link *known;
	struct compose_link *links;
	enum err e =
	    field_all(t->app->db, t->campaign, t->brand->id, &fields, &src.nfields);

	if (e == OK)
		e = ledger_links(t->app->db, t->campaign, t->campaign->id, &known,
		    &src.nknown);
	if (e != OK)
		return e;
	links = mem_array(t->campaign, struct compose_link, src.nknown);
	for (size_t i = 0; i < src.nknown; i++)
		links[i] = (struct compose_link){ known[i].number, known[i].url,
			known[i].label };
	src.fields = fields;
	src.known = links;
	e = content_compile(t->campaign, &src, &t->content);
	if (e == ERR_INVALID)
		t->pause = first_error(t->campaign, t->content);
	return e == OK ? store_links(t, src.nknown) : e;
}

static enum err open_provider(struct turn *t)
{
	const char *why = NULL;
	enum err e = provider_open(t->campaign, t->app, t->brand, "campaign",
	    &t->provider, &why);

	if (e == ERR_INVALID)
		t->pause = why;
	return e;
}

/* ---- the loop ---- */
static void sleep_ms(int ms)
{
	struct timespec ts = { .tv_nsec = (long)ms * 1000000 };

	nanosleep(&ts, NULL);
}

bool turn_over(const struct turn *t)
{
	return t->stop || clock_mono_ms() >= t->until || stop_wanted();
}

static bool finished(const struct turn *t)
{
	if (t->provider->in_flight || t->nback || t->provider->done)
		return false;
	return turn_over(t) || (t->dry && t->pool == 0);
}

/*
 * The database is away.  What was sent must be written down, so wait for it; false when
 * patience has ended.
 */
static bool endure(struct turn *t)
{
	int64_t now = clock_mono_ms();

	if (!t->failing)
		t->failing = now;
	if (now - t->failing > PATIENCE_MS)
		return false;
	sleep_ms(STEP_MS);
	if (turn_settle(t, true) != OK && now - t->failing > PATIENCE_MS / 2)
		t->stop = true;
	return true;
}

bool turn_step(struct turn *t, int wait_ms)
{
	size_t before;
	enum err e;

	/* When some were handed over there may be room for more. */
	if (t->eager)
		wait_ms = 0;
	if (t->provider->in_flight)
		t->provider->ops->step(t->provider, wait_ms);
	else if (!t->nback && !t->provider->done)
		sleep_ms(wait_ms / 5);
	turn_collect(t);
	before = t->provider->in_flight;
	e = turn_refill(t);
	t->eager = t->provider->in_flight > before;
	if (e == OK)
		e = turn_settle(t, t->provider->in_flight == 0);
	keep_lock(t);
	t->error = e;
	if (e != OK)
		return endure(t) && !finished(t);
	t->failing = 0;
	return !finished(t);
}

static enum err finish(struct turn *t)
{
	bool done = false;
	int64_t id = t->due.id;
	enum err e = ledger_release(t->app->db, t->owner, id);

	if (e == OK && t->pause)
		return pause_campaign(t->app, &t->due, t->pause, t->resume_at);
	if (e == OK && t->dry)
		e = ledger_finish(t->app->db, id, clock_now(t->app->clock), &done);
	if (done)
		log_info(&t->app->log, "campaign.completed", LOG_INT("campaign", id));
	return e;
}

/* The audience, the content, the provider.  ERR_CONFLICT: it is not to be sent now. */
static enum err prepare(struct turn *t)
{
	bool complete = false;
	enum err e = freeze(t, &complete);

	t->freezing = !complete;
	if (e == OK && !complete)
		return ERR_CONFLICT;
	if (e == OK)
		e = compile(t);
	if (e == OK)
		e = open_provider(t);
	if (e == ERR_INVALID && t->pause) {
		e = pause_campaign(t->app, &t->due, t->pause, 0);
		return e == OK ? ERR_CONFLICT : e;
	}
	if (e == OK)
		e = ledger_recent(t->app->db, t->due.id, t->campaign->updated_at,
		    &t->recent);
	t->hold = e == OK && t->recent.unanswered ? 1 : 0;
	return e;
}

/* ERR_CONFLICT: not this time: no longer to be sent, or another slice is at it. */
static enum err get_ready(struct turn *t)
{
	const struct due_campaign *due = &t->due;
	bool alive = false;
	enum err e = turn_reclaim(t->slice, due->id, &alive);

	if (e == OK)
		e = begin(t, due);
	if (e == OK)
		e = campaign_get(t->app->db, t, due->brand_id, due->id, &t->campaign);
	if (e == OK)
		e = brand_get(t->app->db, t, due->brand_id, &t->brand);
	if (e == OK && t->campaign->status != CAMPAIGN_SENDING)
		e = ERR_CONFLICT;
	if (e == OK && !take_lock(t, alive)) {
		t->slice->kept_away = true;
		e = ERR_CONFLICT;
	}
	return e;
}

static int let_go(struct turn *t)
{
	if (t->lock.held)
		lock_release(&t->lock);
	return 0;
}

enum err turn_open(struct slice *s, const struct due_campaign *due, int64_t until,
    struct turn **out, bool *again)
{
	struct turn *t = mem_new(s->worker, struct turn);
	enum err e;

	*t = (struct turn){
		.slice = s,
		.app = s->app,
		.due = *due,
		.owner = worker_owner(s->worker),
		.until = until,
		.mine = { .mem = t },
		.eager = true,
		.share = 1,
	};
	mem_on_free(t, let_go);
	e = get_ready(t);
	if (e == OK)
		e = ledger_serve(s->app->db, due->id, clock_now(s->app->clock));
	if (e == OK)
		e = prepare(t);
	*out = e == OK ? t : NULL;
	*again = t->freezing;
	if (e != OK)
		mem_free(t);
	return e == ERR_CONFLICT || e == ERR_NOTFOUND ? OK : e;
}

enum err turn_close(struct turn *t, bool *more)
{
	enum err e = t->error;

	if (e == OK)
		e = finish(t);
	*more = e == OK && !t->dry && !t->stop && !t->pause;
	mem_free(t);
	return e;
}
