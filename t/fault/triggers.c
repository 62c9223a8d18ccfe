/*
 * Many triggers are as one (I9), and memcached never changes an outcome (I10): 16
 * slices at once, with and without a lock; a stopped worker whose lock has passed to
 * another; and memcached stopped, started, emptied, starved and filled with rubbish in
 * the middle. TRIGGER_ROUNDS, TRIGGERS, CHAOS_EVENTS for longer runs, STOP_MS for how
 * long the worker is stopped.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "faulttest.h"
#include "memcached.h"
#include "send/ses_call.h"
#include "tap.h"

enum { PEOPLE = 320, MANY = 3000, MOST = 64, IN_FLIGHT = 8 /* at 100 a second */ };

static struct memcached mc;

/* ---- many triggers ---- */
static void at_once(struct dbtest *t, struct fake_ses *f, int round)
{
	int n = faulttest_number("TRIGGERS", 16), bad = 0;
	const struct trigger how = { .servers = round % 2 ? mc.servers : "" };
	pid_t pid[MOST];
	char name[80];

	faulttest_reset(t, f);
	n = n > MOST ? MOST : n;
	for (int i = 0; i < n; i++)
		pid[i] = faulttest_trigger(t, &how);
	for (int i = 0; i < n; i++)
		bad += faulttest_wait(pid[i]) != 0;
	faulttest_finish(t, &how);
	tap_count("triggers", n);
	snprintf(name, sizeof(name), "round %d, %d triggers, %s", round, n,
	    round % 2 ? "with memcached" : "without");
	is_int(bad, 0, "%s: none of them fails", name);
	faulttest_exact(t, f, PEOPLE, 0, name);
	is_int(dbtest_int(t->db, "SELECT sum(tries) FROM campaign_subscribers"), PEOPLE,
	    "%s: one attempt each, as with one trigger", name);
}

/* ---- memcached by hand ---- */

/* One command and what comes back, up to its end. */
static size_t say(const char *text, char *answer, size_t room)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const struct timeval wait = { .tv_usec = 200000 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	ssize_t n = 1;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", mc.servers + strlen("unix:"));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		n = 0;
	while (n > 0 && len < room - 1) {
		n = recv(fd, answer + len, room - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
		answer[len] = '\0';
		if (strstr(answer, "END\r\n") || strstr(answer, "OK\r\n") ||
		    strstr(answer, "STORED\r\n"))
			break;
	}
	answer[len] = '\0';
	close(fd);
	return len;
}

static bool spoil(const char *key)
{
	static const char *const rubbish[] = { "x", "-1", "99999999999999999999",
		"0 0 0", "\xff\xfe{}", "" };
	const char *v = rubbish[random() % 6];
	char cmd[400], answer[100];

	snprintf(cmd, sizeof(cmd), "set %s 0 60 %zu\r\n%s\r\n", key, strlen(v), v);
	say(cmd, answer, sizeof(answer));
	return strstr(answer, "STORED") != NULL;
}

/* %3A and the like. */
static void decode(char *key)
{
	for (char *p = key; *p; p++) {
		char hex[3] = { 0 };

		if (p[0] != '%' || !p[1] || !p[2])
			continue;
		memcpy(hex, p + 1, 2);
		*p = (char)strtol(hex, NULL, 16);
		memmove(p + 1, p + 3, strlen(p + 3) + 1);
	}
}

/* Every key there is, and the two that matter, get a value that nobody wrote. */
static int poison(void)
{
	char all[65536], key[250], *line, *save = NULL;
	int n = spoil("campaign:send-lock:5") + spoil("rate:a1");

	say("lru_crawler metadump all\r\n", all, sizeof(all));
	for (line = strtok_r(all, "\r\n", &save); line;
	     line = strtok_r(NULL, "\r\n", &save)) {
		if (sscanf(line, "key=%249s", key) != 1)
			continue;
		decode(key);
		n += spoil(key);
	}
	return n;
}

/* ---- a worker that is stopped ---- */

/* Whether nobody is in the middle of a transaction on the campaign. */
static bool at_rest(struct db *db)
{
	STMT_SCOPE s = db_stmt_text(db,
	    "SELECT 1 FROM campaigns c JOIN campaign_counts n ON n.campaign_id = c.id"
	    " /*+pg FOR UPDATE */");
	TX_SCOPE tx = { 0 };

	return tx_begin(db, &tx) == OK && stmt_row(s) == OK;
}

/* Not while it writes: then all others would have to wait for it. */
static void stop_between(struct dbtest *t, pid_t pid)
{
	db_set_wait(t->db, 0);
	for (int i = 0; i < 200; i++) {
		kill(pid, SIGSTOP);
		usleep(2000);
		if (at_rest(t->db))
			break;
		kill(pid, SIGCONT);
		usleep(3000);
	}
	db_set_wait(t->db, 5000);
}

static void stopped(struct dbtest *t, struct fake_ses *f, int stop_ms)
{
	const struct trigger how = { .servers = mc.servers };
	char answer[100];
	pid_t a, b;

	faulttest_reset(t, f);
	a = faulttest_trigger(t, &how);
	for (int i = 0; i < 400 && sendtest_rows(t, 4) == 0; i++)
		usleep(5000);
	stop_between(t, a);
	if (stop_ms)
		usleep((useconds_t)stop_ms * 1000);
	else
		say("flush_all\r\n", answer, sizeof(answer)); /* its lock has ended */
	b = faulttest_trigger(t, &how);
	is_int(faulttest_wait(b), 0, "another worker does the rest meanwhile");
	ok(!faulttest_done(t), "but does not say it is done while one is only stopped");
	kill(a, SIGCONT);
	is_int(faulttest_wait(a), 0, "the stopped one goes on");
	faulttest_finish(t, &how);
	/* the time of a call may be over before its answer is looked at */
	faulttest_exact(t, f, PEOPLE, stop_ms > CALL_SECONDS * 1000 ? IN_FLIGHT : 0,
	    "stopped past the end of its lock");
}

/* ---- chaos ---- */
struct chaos {
	bool running;
	int events, kind[5], poisoned;
};

static void event(struct chaos *c)
{
	int kind = (int)(random() % 5);
	char answer[100];

	if (!c->running || kind == 1 || kind == 3) {
		if (c->running)
			memcached_stop(&mc);
		memcached_start_with(&mc, kind == 3 ? 1 : 16);
		c->running = true;
	} else if (kind == 0) {
		memcached_stop(&mc);
		c->running = false;
	} else if (kind == 2) {
		say("flush_all\r\n", answer, sizeof(answer));
	} else {
		c->poisoned += poison();
	}
	c->kind[kind]++;
	c->events++;
}

static void chaos(struct dbtest *t, struct fake_ses *f, int events)
{
	const struct trigger how = { .servers = mc.servers };
	struct chaos c = { .running = true };
	pid_t p[3];
	int rounds = 0;

	while (c.events < events && rounds++ < 200) {
		int had = c.events;

		faulttest_reset(t, f);
		for (int i = 0; i < 3; i++)
			p[i] = faulttest_trigger(t, &how);
		for (int i = 0; i < 20 && c.events < events && !faulttest_done(t);
		     i++) {
			usleep((useconds_t)(random() % 60) * 1000);
			event(&c);
		}
		for (int i = 0; i < 3; i++)
			faulttest_wait(p[i]);
		faulttest_finish(t, &how);
		diag("%d events in this campaign", c.events - had);
		faulttest_exact(t, f, MANY, 0, "memcached in chaos");
	}
	if (!c.running)
		memcached_start(&mc);
	tap_count("upsets", c.events);
	ok(c.poisoned > 0 || c.kind[4] == 0, "keys were poisoned");
	is_int(c.events, events,
	    "%d events: %d stops, %d starts, %d flushes, %d starved, %d poisonings of "
	    "%d keys",
	    events, c.kind[0], c.kind[1], c.kind[2], c.kind[3], c.kind[4], c.poisoned);
}

static void test_triggers(struct dbtest *t)
{
	bool lite = db_kind(t->db) == DB_SQLITE;
	int rounds = faulttest_number("TRIGGER_ROUNDS", 20);
	struct fake_ses f;
	struct app *app;

	sendtest_people(t, PEOPLE);
	app = sendtest_app(t, mc.servers);
	fake_ses_start(t, &f, "");
	sendtest_use_ses(t, app, &f, "single", 4000);
	for (int i = 0; i < (lite ? rounds : (rounds + 3) / 4); i++)
		at_once(t, &f, i);
	sendtest_use_ses(t, app, &f, "single", 100);
	stopped(t, &f, faulttest_number("STOP_MS", 0));
	fake_ses_stop(&f);
}

static void test_chaos(struct dbtest *t)
{
	int events = faulttest_number("CHAOS_EVENTS", 50);
	struct fake_ses f;
	struct app *app;

	sendtest_people(t, MANY);
	app = sendtest_app(t, mc.servers);
	fake_ses_start(t, &f, "");
	sendtest_use_ses(t, app, &f, "single", 1500);
	chaos(t, &f, db_kind(t->db) == DB_SQLITE ? events : events / 5);
	fake_ses_stop(&f);
}

int main(void)
{
	srandom((unsigned)faulttest_number("CRASH_SEED", (int)time(NULL)));
	memcached_begin(&mc);
	dbtest_run(test_triggers);
	dbtest_run(test_chaos);
	memcached_end(&mc);
	return done_testing();
}
