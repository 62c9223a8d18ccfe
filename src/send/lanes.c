#include "send/turn.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/text.h"

/*
 * A slice works on up to LANES campaigns at once, so that accounts do not wait for each
 * other and a small campaign does not wait for a large one.  Those of one account share
 * its rate in equal parts (rate.c).  If more are due than there are lanes, each gets a
 * turn of TURN_MS, who was served longest ago first, accounts without a lane before
 * all.
 */
enum {
	LANES = 4,
	TURN_MS = 5000,
	LOOK_MS = 1000,
	FREEZE_MS = 1000, /* the others wait meanwhile */
	REST_MS = 2000,   /* for a campaign that had nothing to send just now */
	RESTS = 256,
	WAIT_MS = 50,
	WAIT_SHORT_MS = 10
};

struct lane {
	struct turn *turn; /* NULL: free */
	int64_t since;
};
struct rest {
	int64_t campaign, until;
};
struct lanes {
	struct slice *slice;
	struct lane lane[LANES];
	struct rest rest[RESTS];
	size_t nrest;
	int64_t look_at; /* monotonic ms */
	enum err error;  /* the first one: no turn is begun any more */
};

static bool over(const struct lanes *l)
{
	return l->error != OK || clock_mono_ms() >= l->slice->claim_until ||
	    stop_wanted();
}

static size_t count(const struct lanes *l, const char *account)
{
	size_t n = 0;

	for (size_t i = 0; i < LANES; i++)
		n += l->lane[i].turn &&
		    (!account || text_equal(l->lane[i].turn->due.account, account));
	return n;
}

/* ---- who may have a lane ---- */
static void put_to_rest(struct lanes *l, int64_t campaign)
{
	l->rest[l->nrest++ % RESTS] =
	    (struct rest){ campaign, clock_mono_ms() + REST_MS };
}

static bool wants_lane(const struct lanes *l, const struct due_campaign *d)
{
	int64_t now = clock_mono_ms();

	if (!due_sends(d))
		return false;
	for (size_t i = 0; i < LANES; i++)
		if (l->lane[i].turn && l->lane[i].turn->due.id == d->id)
			return false;
	for (size_t i = 0; i < RESTS && i < l->nrest; i++)
		if (l->rest[i].campaign == d->id && now < l->rest[i].until)
			return false;
	return true;
}

static void share_out(struct lanes *l)
{
	for (size_t i = 0; i < LANES; i++) {
		struct turn *t = l->lane[i].turn;

		if (!t)
			continue;
		t->share = (int)count(l, t->due.account);
		t->provider->lanes = count(l, NULL);
	}
}

static void open_lane(struct lanes *l, struct lane *lane, const struct due_campaign *d)
{
	int64_t now = clock_mono_ms(), until = l->slice->claim_until;
	bool again;
	enum err e;

	if (count(l, NULL) && now + FREEZE_MS < until)
		until = now + FREEZE_MS;
	e = turn_open(l->slice, d, until, &lane->turn, &again);
	if (e != OK)
		l->error = e;
	lane->since = clock_mono_ms();
	if (lane->turn)
		lane->turn->until = l->slice->claim_until;
	else if (!again)
		put_to_rest(l, d->id);
	share_out(l);
}

/* First those whose account has no lane, then the others; *waiting: for whom none is.
 */
static void fill(struct lanes *l, const struct due_campaign *due, size_t n,
    size_t *waiting)
{
	size_t used = 0;

	*waiting = 0;
	for (size_t i = 0; i < 2 * n && !over(l); i++) {
		const struct due_campaign *d = &due[i % n];

		if (!wants_lane(l, d) || (i < n && count(l, d->account)))
			continue;
		for (used = 0; used < LANES && l->lane[used].turn; used++)
			;
		if (used < LANES)
			open_lane(l, &l->lane[used], d);
		else
			*waiting += i >= n;
	}
}

/* As many as wait may have the lanes of those who had their turn. */
static void make_room(struct lanes *l, size_t waiting)
{
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < LANES && waiting; i++) {
		struct lane *lane = &l->lane[i];

		if (!lane->turn || now - lane->since < TURN_MS)
			continue;
		lane->turn->until = now;
		waiting--;
	}
}

static void look(struct lanes *l)
{
	struct app *app = l->slice->app;
	MEM_SCOPE void *tmp = mem_scope(l->slice->worker, "due");
	struct due_campaign *due;
	size_t n, waiting;

	l->error = ledger_due(app->db, tmp, clock_now(app->clock), &due, &n);
	if (l->error != OK || !n)
		return;
	fill(l, due, n, &waiting);
	make_room(l, waiting);
	l->look_at = clock_mono_ms() + LOOK_MS;
}

/* ---- work ---- */
static void close_lane(struct lanes *l, struct lane *lane)
{
	int64_t id = lane->turn->due.id;
	bool more;
	enum err e = turn_close(lane->turn, &more);

	lane->turn = NULL;
	if (e != OK && l->error == OK)
		l->error = e;
	if (!more)
		put_to_rest(l, id);
	l->look_at = 0;
	share_out(l);
}

/* One step of each, the first one another each time. */
static void step_all(struct lanes *l, size_t first)
{
	size_t n = count(l, NULL);
	int wait = n > 1 ? WAIT_SHORT_MS / (int)n : WAIT_MS;

	for (size_t i = 0; i < LANES; i++) {
		struct lane *lane = &l->lane[(first + i) % LANES];

		if (!lane->turn)
			continue;
		if (l->error != OK) /* what is under way comes to its end */
			lane->turn->until = 0;
		if (!turn_step(lane->turn, wait))
			close_lane(l, lane);
	}
}

enum err lanes_run(struct slice *s)
{
	struct lanes *l = mem_new(s->worker, struct lanes);
	enum err e;

	*l = (struct lanes){ .slice = s };
	for (size_t i = 0;; i++) {
		if (clock_mono_ms() >= l->look_at && !over(l))
			look(l);
		if (!count(l, NULL))
			break;
		step_all(l, i);
	}
	e = l->error;
	mem_free(l);
	return e;
}
