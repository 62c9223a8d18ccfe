#include "kv/slow.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "memcached.h"
#include "tap.h"

static const struct log quiet = { .least = LOG_ERROR, .json = true, .fd = 2 };
static const int64_t begin = 1795510810500;

static void told(struct kv *kv, const char *key, int64_t now, int answers,
    int throttled)
{
	slow_report(kv, key, &(struct slow_answers){ now, 100, answers, throttled });
}

static bool near(double is, double want)
{
	return fabs(is - want) < 0.005;
}

static void rules(struct kv *kv, const char *kind)
{
	const char *key = "rate-slow:a";
	int64_t now = begin;

	diag("%s", kind);
	ok(near(slow_part(kv, key, now), 1), "a rate is whole at first");
	for (int i = 0; i < 20; i++, now += 1000)
		told(kv, key, now, 100, 10);
	ok(near(slow_part(kv, key, now), 1), "a tenth throttled changes nothing");
	told(kv, key, now, 10, 2);
	ok(near(slow_part(kv, key, now), 1), "nor do two of ten");
	now += 20000;
	told(kv, key, now, 100, 0);
	now += 1000;
	told(kv, key, now, 100, 50);
	ok(near(slow_part(kv, key, now), 0.475), "half of them throttled halve it (%f)",
	    slow_part(kv, key, now));
	told(kv, key, now + 99, 100, 100);
	ok(near(slow_part(kv, key, now + 99), 0.476), "once in a round trip (%f)",
	    slow_part(kv, key, now + 99));
	told(kv, key, now + 100, 100, 100);
	ok(near(slow_part(kv, key, now + 100), 0.227),
	    "the next one halves it again (%f)", slow_part(kv, key, now + 100));
	ok(near(slow_part(kv, "rate-slow:b", now), 1), "another account's is whole");
	ok(slow_part(kv, key, now + 28000) >= 0.9, "it is nearly whole in 28 s");
	ok(near(slow_part(kv, key, now + 30100), 1), "and whole in 30");
	for (int i = 0; i < 60; i++)
		told(kv, key, now + i * 100, 100, 100);
	ok(slow_part(kv, key, now + 6000) >= 0.03, "it never stops quite");
	ok(slow_part(kv, key, now - 5000) >= 0.03 &&
		slow_part(kv, key, now - 5000) <= 1,
	    "a clock that is behind does no harm");
}

/* ---- an account, and who sends through it ---- */
enum { STEP_MS = 20, LATE_MAX = 64, REPORT_MS = 100 };

struct account {
	double limit;  /* a second; its bucket holds as much */
	double chance; /* of a throttled answer all the same */
	bool shut;     /* throttles everything */
	double tokens;
	uint32_t seed;
};
struct sender {
	struct kv *kv;
	const char *key;
	double rate, owed, part;
	int trip_ms;
	int answers[LATE_MAX], throttled[LATE_MAX]; /* on their way, by step */
	struct slow_answers heard;
	int64_t reported;
};
struct sums {
	double sent, accepted, ms;
};

static double chance(struct account *a)
{
	a->seed = a->seed * 1664525 + 1013904223;
	return (double)(a->seed >> 8) / (1 << 24);
}

static bool takes(struct account *a)
{
	if (a->shut || chance(a) < a->chance || a->tokens < 1)
		return false;
	a->tokens -= 1;
	return true;
}

static void hear(struct sender *s, int slot, int64_t now)
{
	s->heard.answers += s->answers[slot];
	s->heard.throttled += s->throttled[slot];
	s->answers[slot] = s->throttled[slot] = 0;
	if (now - s->reported < REPORT_MS)
		return;
	s->heard.now_ms = now;
	s->heard.trip_ms = s->trip_ms;
	slow_report(s->kv, s->key, &s->heard);
	s->heard = (struct slow_answers){ 0 };
	s->reported = now;
	s->part = slow_part(s->kv, s->key, now);
}

static void step(struct account *a, struct sender *s, int64_t now, struct sums *sum)
{
	int slot = (int)(now / STEP_MS % LATE_MAX);
	int later = (slot + s->trip_ms / STEP_MS) % LATE_MAX;

	hear(s, slot, now);
	s->owed += s->rate * s->part * STEP_MS / 1000;
	for (; s->owed >= 1; s->owed -= 1) {
		bool taken = takes(a);

		s->answers[later]++;
		s->throttled[later] += !taken;
		sum->sent += 1;
		sum->accepted += taken;
	}
}

/* Runs n senders for some time; what they sent and what was taken. */
static struct sums play(struct account *a, struct sender *s, int n, int64_t *now,
    int ms)
{
	struct sums sum = { .ms = ms };

	for (int64_t end = *now + ms; *now < end; *now += STEP_MS) {
		a->tokens = fmin(a->limit, a->tokens + a->limit * STEP_MS / 1000);
		for (int i = 0; i < n; i++)
			step(a, &s[i], *now, &sum);
	}
	return sum;
}

static double a_second(double n, const struct sums *s)
{
	return n * 1000 / s->ms;
}

static void begin_senders(struct sender *s, struct kv *const *kv, int n, double rate,
    int trip_ms)
{
	for (int i = 0; i < n; i++)
		s[i] = (struct sender){ .kv = kv[i],
			.key = "rate-slow:sim",
			.rate = rate / n,
			.part = 1,
			.trip_ms = trip_ms };
	if (kv_delete(kv[0], "rate-slow:sim") == ERR_BUSY)
		ok(false, "the state is forgotten");
}

static void random_ones(struct sender *s, int n, double rate)
{
	struct account a = { .limit = rate * 2, .chance = 0.03, .seed = 7 };
	int64_t now = begin;
	struct sums sum = play(&a, s, n, &now, 300000);

	ok(a_second(sum.sent, &sum) >= 0.9 * rate,
	    "with 3 %% throttled by chance it keeps its rate (%.1f of %.0f)",
	    a_second(sum.sent, &sum), rate);
}

static void half(struct sender *s, int n, double rate)
{
	struct account a = { .limit = rate / 2, .seed = 7 };
	int64_t now = begin;
	struct sums sum;

	play(&a, s, n, &now, 30000);
	sum = play(&a, s, n, &now, 120000);
	ok(a_second(sum.sent, &sum) >= 0.9 * a.limit &&
		a_second(sum.sent, &sum) <= 1.1 * a.limit,
	    "with half of it allowed it settles there (%.1f of %.0f)",
	    a_second(sum.sent, &sum), a.limit);
	ok(a_second(sum.accepted, &sum) >= 0.9 * a.limit,
	    "and nearly all that is allowed gets through (%.1f)",
	    a_second(sum.accepted, &sum));
	a.limit = 2 * rate;
	play(&a, s, n, &now, 30000);
	sum = play(&a, s, n, &now, 2000);
	ok(a_second(sum.accepted, &sum) >= 0.9 * rate,
	    "when more is allowed it takes it within 30 s (%.1f of %.0f)",
	    a_second(sum.accepted, &sum), rate);
}

static void shut(struct sender *s, int n, double rate)
{
	struct account a = { .limit = rate * 2, .seed = 7, .shut = true };
	int64_t now = begin;
	struct sums sum;

	sum = play(&a, s, n, &now, 60000);
	ok(a_second(sum.sent, &sum) <= 0.5 * rate, "shut out it asks less (%.1f)",
	    a_second(sum.sent, &sum));
	a.shut = false;
	play(&a, s, n, &now, 30000);
	sum = play(&a, s, n, &now, 2000);
	ok(a_second(sum.accepted, &sum) >= 0.9 * rate,
	    "and is back within 30 s (%.1f of %.0f)", a_second(sum.accepted, &sum),
	    rate);
}

static void simulate(struct kv *const *kv, int n, const char *kind)
{
	static const double rates[] = { 14, 200, 1000 };
	static const int trips[] = { 20, 400 };
	struct sender s[2];

	for (size_t i = 0; i < 6; i++) {
		double rate = rates[i / 2];
		int trip = trips[i % 2];

		diag("%s, %.0f a second, answers after %d ms", kind, rate, trip);
		begin_senders(s, kv, n, rate, trip);
		random_ones(s, n, rate);
		begin_senders(s, kv, n, rate, trip);
		half(s, n, rate);
		begin_senders(s, kv, n, rate, trip);
		shut(s, n, rate);
	}
}

static void shared(struct memcached *mc)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "shared");
	int64_t now = begin;
	struct kv *kv[2];

	for (int i = 0; i < 2; i++)
		if (kv_open(mem, mc->servers, &quiet, &kv[i]) != OK)
			ok(false, "kv_open opens");
	rules(kv[0], "memcached");
	simulate(kv, 2, "two processes");
	told(kv[0], "rate-slow:s", now, 100, 50);
	ok(near(slow_part(kv[1], "rate-slow:s", now), 0.475), "all processes share it");
	memcached_stop(mc);
	told(kv[0], "rate-slow:d", now, 100, 50);
	ok(near(slow_part(kv[0], "rate-slow:d", now), 0.475),
	    "without the server a process has its own");
	ok(near(slow_part(kv[1], "rate-slow:d", now), 1), "and the others theirs");
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "slow");
	struct memcached mc;
	struct kv *kv;

	ok(kv_open(mem, "", &quiet, &kv) == OK, "kv_open opens");
	rules(kv, "in this process");
	simulate(&kv, 1, "one process");
	memcached_begin(&mc);
	shared(&mc);
	memcached_end(&mc);
	return done_testing();
}
