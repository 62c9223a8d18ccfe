#include "send/turn.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/mem.h"

static struct claim claim_of(struct turn *t, int n)
{
	return (struct claim){
		.owner = t->owner,
		.campaign = t->campaign->id,
		.n = n,
		.now = clock_now(t->app->clock),
		.version = t->campaign->version,
		.provider_at = t->provider->settings_at,
		.mine = &t->mine,
	};
}

static enum err claim_more(struct turn *t)
{
	struct claim c = claim_of(t, CLAIM_BATCH);
	int64_t claimed = 0;
	enum err e = ledger_claim(t->app->db, &c, &claimed);

	t->pool = (int64_t)t->mine.n;
	if (e == OK && claimed == 0)
		t->dry = true;
	return e;
}

static struct outgoing *outgoing_of(struct turn *t, struct intent *i)
{
	struct outgoing *o = mem_new(t->provider, struct outgoing);

	*o = (struct outgoing){
		.delivery_id = i->delivery_id,
		.batch_id = i->batch_id,
		.tries = i->tries,
		.campaign_id = t->campaign->id,
		.refusals = i->refusals,
		.content = t->content,
		.to = i->to,
		.who = i->who,
	};
	mem_move(o, i->mem);
	return o;
}

/*
 * The connection was lost: what answers now may be an older database, such as a standby
 * that lacks the last commits.  The next slice compares it with the marks.
 */
static bool lost_sight(struct turn *t)
{
	struct slice *s = t->slice;

	if (db_connects(t->app->db) == s->connects)
		return false;
	t->stop = true;
	s->claim_until = 0;
	return true;
}

/* Nothing of it has left, and nothing may: a later slice tries again. */
static void keep_back(struct turn *t, struct outgoing *const *batch, size_t n)
{
	if (!t->nback)
		t->back_since = clock_mono_ms();
	for (size_t i = 0; i < n; i++) {
		batch[i]->outcome = OUTCOME_STOP;
		batch[i]->reason = "It was not sent: this server could not go on.";
		t->back[t->nback++] = batch[i];
	}
	t->stop = true;
	t->slice->claim_until = 0;
}

/* From here on a message may leave: the batch and its mark are written. */
static void hand_over(struct turn *t, struct intent_batch *b)
{
	struct outgoing *batch[INTENT_MAX];
	enum err e;

	if (!b->n)
		return;
	for (size_t i = 0; i < b->n; i++)
		batch[i] = outgoing_of(t, &b->rows[i]);
	e = host_marker_tell(t->slice->marker);
	if (e != OK)
		log_error(&t->app->log, "host.mark_failed",
		    LOG_STR("error", err_name(e)));
	if (e != OK || lost_sight(t))
		keep_back(t, batch, b->n);
	else
		t->provider->ops->send(t->provider, batch, b->n);
}

/* What came back is settled in the transaction of the intent: one flush of the disk. */
static enum err write_both(struct turn *t, void *tmp, const struct claim *c,
    struct intent_batch *b)
{
	struct settle *r = turn_results(t);
	const struct results back = { r, t->nback, c->now };
	enum err e = ledger_turn(t->app->db, tmp, &back, c, b);

	FAILPOINT("turn.committed");
	turn_written(t, r, e == OK);
	return e;
}

static enum err intend(struct turn *t, int n)
{
	MEM_SCOPE void *tmp = mem_scope(t->provider, "batch");
	struct claim c = claim_of(t, n);
	struct intent_batch b;
	enum err e;

	c.mark = host_marker_next(t->slice->marker);
	c.connects = t->slice->connects;
	e = write_both(t, tmp, &c, &b);

	/* Our rows were given to others: they took us for dead. */
	if (e == ERR_CONFLICT) {
		t->pool = 0;
		t->stop = true;
		log_warn(&t->app->log, "slice.disowned",
		    LOG_INT("campaign", t->campaign->id));
		return OK;
	}
	if (e != OK)
		return e;
	if (!b.sending) {
		t->stop = true;
		return OK;
	}
	t->slice->report.done += b.skipped;
	t->pool = (int64_t)t->mine.n;
	hand_over(t, &b);
	return OK;
}

size_t turn_worth(const struct turn *t, size_t room)
{
	size_t part = (room + t->provider->in_flight) / 4;

	return part < SETTLE_BATCH ? part : SETTLE_BATCH;
}

/* Not a few rows at a time while much is under way, unless these are the last. */
static bool worth_it(struct turn *t, size_t room, int want)
{
	return want > 0 &&
	    ((size_t)want >= turn_worth(t, room) || t->provider->in_flight == 0 ||
		(want == t->pool && t->dry));
}

enum err turn_refill(struct turn *t)
{
	size_t room = t->provider->ops->room(t->provider), whole = room;
	int want = INTENT_MAX;
	enum err e = OK;

	if (turn_over(t) || lost_sight(t))
		return OK;
	if (t->pool < INTENT_MAX && !t->dry)
		e = claim_more(t);
	if ((int64_t)room < want)
		want = (int)room;
	if (t->pool < want)
		want = (int)t->pool;
	if (e != OK || !worth_it(t, whole, want))
		return e;
	want = turn_allowed(t, want);
	return want > 0 ? intend(t, want) : OK;
}
