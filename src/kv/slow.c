#include "kv/slow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "kv/kv_driver.h"

/* The rate, in millionths, and how it rises. */
enum { FULL = 1000000, LEAST = FULL / 32, NEAR_MS = 8000, WHOLE_MS = 24000 };
/* What is looked at before it falls. */
enum { WINDOW_MS = 1000, WINDOW_MAX_MS = 5000, ENOUGH = 20, THROTTLED_MIN = 3 };
enum { TRIES = 8, FORGET_MS = 60000, KEEP_S = 600 };

/* Of all answers: fewer are chance; more need no whole window to be believed. */
static const double share_least = 0.1, share_clear = 0.3;

struct slow {
	int64_t from, top; /* millionths: just after it fell, and NEAR_MS later */
	int64_t at;        /* ms when it fell; 0: it never did */
	int64_t hit;       /* ms of the last throttled answer */
	int64_t began;     /* ms: of the window */
	int64_t answers, throttled; /* in the window */
};

static int64_t part_now(const struct slow *s, int64_t now)
{
	int64_t since = now - s->at;

	if (s->at == 0 || since >= WHOLE_MS)
		return FULL;
	if (since < 0) /* another host's clock is ahead */
		since = 0;
	if (since < NEAR_MS)
		return s->from + (s->top - s->from) * since / NEAR_MS;
	return s->top + (FULL - s->top) * (since - NEAR_MS) / (WHOLE_MS - NEAR_MS);
}

/* ERR_NOTFOUND: nothing is throttled. */
static enum err read_slow(struct kv *kv, void *mem, const char *key, struct slow *s,
    char **old)
{
	size_t n;
	enum err e = kv_get(kv, mem, key, old, &n);

	*s = (struct slow){ .from = FULL, .top = FULL };
	if (e == OK &&
	    sscanf(*old,
		"%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64
		" %" SCNd64,
		&s->from, &s->top, &s->at, &s->hit, &s->began, &s->answers,
		&s->throttled) != 7)
		*s = (struct slow){ .from = FULL, .top = FULL };
	return e;
}

static enum err write_slow(struct kv *kv, const char *key, const struct slow *s,
    const char *old)
{
	char text[160];

	snprintf(text, sizeof(text),
	    "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
	    " %" PRId64,
	    s->from, s->top, s->at, s->hit, s->began, s->answers, s->throttled);
	if (!old)
		return kv_add(kv, key, text, strlen(text), KEEP_S);
	return kv_swap(kv, key, old, text, KEEP_S);
}

static enum err part_in(struct kv *kv, const char *key, int64_t now, double *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "slow");
	struct slow s;
	char *old;
	enum err e = read_slow(kv, tmp, key, &s, &old);

	*out = (double)part_now(&s, now) / FULL;
	return e == ERR_NOTFOUND ? OK : e;
}

double slow_part(struct kv *kv, const char *key, int64_t now_ms)
{
	double part = 1;

	if (part_in(kv, key, now_ms, &part) != OK &&
	    part_in(kv_here(kv), key, now_ms, &part) != OK)
		return 1;
	return part;
}

/* To a little less than what was let through; it may rise to a little more. */
static void fall(struct slow *s, double share, int64_t now)
{
	double through = 1 - share < 0.5 ? 0.5 : 1 - share;
	int64_t allowed = (int64_t)((double)part_now(s, now) * through);

	s->from = allowed * 95 / 100;
	s->top = allowed * 107 / 100;
	if (s->from < LEAST)
		s->from = LEAST;
	if (s->top < s->from)
		s->top = s->from;
	if (s->top > FULL)
		s->top = FULL;
	s->at = now;
}

static bool window_full(const struct slow *s, const struct slow_answers *a)
{
	int64_t age = a->now_ms - s->began;

	if (age < 0 || age >= WINDOW_MAX_MS)
		return true;
	if (s->answers < ENOUGH)
		return false;
	return (age >= WINDOW_MS && age >= a->trip_ms) ||
	    (double)s->throttled > share_clear * (double)s->answers;
}

static void add(struct slow *s, const struct slow_answers *a)
{
	double share;

	s->answers += a->answers;
	s->throttled += a->throttled;
	if (a->throttled)
		s->hit = a->now_ms;
	if (!window_full(s, a))
		return;
	share = (double)s->throttled / (double)(s->answers ? s->answers : 1);
	if (s->throttled >= THROTTLED_MIN && share > share_least)
		fall(s, share, a->now_ms);
	s->began = a->now_ms;
	s->answers = s->throttled = 0;
}

/* ERR_CONFLICT: another process was quicker. */
static enum err report(struct kv *kv, const char *key, const struct slow_answers *a)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "slow");
	struct slow s;
	char *old = NULL;
	enum err e = read_slow(kv, tmp, key, &s, &old);

	if (e == ERR_NOTFOUND) {
		if (!a->throttled)
			return OK;
		s.began = a->now_ms;
		old = NULL;
	} else if (e != OK) {
		return e;
	}
	/* These answer what was sent before it fell. */
	if (s.at && a->now_ms - s.at < a->trip_ms)
		return OK;
	if (!a->throttled && a->now_ms - s.hit > FORGET_MS)
		return kv_delete(kv, key);
	add(&s, a);
	return write_slow(kv, key, &s, old);
}

static enum err report_until(struct kv *kv, const char *key,
    const struct slow_answers *a)
{
	enum err e = ERR_CONFLICT;

	for (int i = 0; i < TRIES && e == ERR_CONFLICT; i++)
		e = report(kv, key, a);
	return e;
}

void slow_report(struct kv *kv, const char *key, const struct slow_answers *a)
{
	enum err e = a->answers > 0 ? report_until(kv, key, a) : OK;

	if (e == ERR_BUSY)
		e = report_until(kv_here(kv), key, a);
	(void)e; /* a hint: the next report brings as much */
}
