#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "dbtest.h"
#include "tap.h"

/*
 * Several processes write to one database: waiting, giving up, sharing fairly, dying.
 */
enum { HOLD_MS = 400, SHORT_MS = 200 };
enum { RAISE, NOTE };

static const char *const sql[] = {
	[RAISE] = "UPDATE counters SET n = n + 1 WHERE id = 1",
	[NOTE] = "INSERT INTO notes (who) VALUES ($1)",
};

static enum err note(struct db *db, int64_t who)
{
	STMT_SCOPE s = db_stmt(db, &sql[NOTE]);

	stmt_bind_int(s, 1, who);
	return stmt_run(s);
}

static enum err raise_counter(struct db *db)
{
	STMT_SCOPE s = db_stmt(db, &sql[RAISE]);

	return stmt_run(s);
}

/* The counter and a note, or neither. */
static enum err raise_and_note(struct db *db, int64_t who)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = note(db, who);
	if (e == OK)
		e = raise_counter(db);
	if (e == OK)
		e = tx_commit(&tx);
	return e;
}

static int64_t counter(struct dbtest *t)
{
	return dbtest_int(t->db, "SELECT n FROM counters WHERE id = 1");
}

static int64_t notes(struct dbtest *t)
{
	return dbtest_int(t->db, "SELECT count(*) FROM notes");
}

/* ---- a second process ---- */

/* Holds a row (and on SQLite the whole database) in a transaction. */
struct holder {
	pid_t pid;
	int release; /* closed to let it commit */
};

/* Says through `ready` that it holds; commits soon after `release` was closed. */
static int hold(struct db *db, int ready, int release)
{
	struct pollfd p = { .fd = release };
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = raise_counter(db);
	if (e != OK || write(ready, "x", 1) != 1)
		return 1;
	poll(&p, 1, 60 * 1000);
	usleep(HOLD_MS * 1000);
	return tx_commit(&tx) != OK;
}

/* Forks a holder and returns when it holds. */
static struct holder start_holder(struct dbtest *t)
{
	int ready[2], release[2];
	struct holder h = { -1, -1 };
	struct db *db;
	char c;

	if (pipe(ready) != 0 || pipe(release) != 0)
		return h;
	h.pid = fork();
	if (h.pid == 0) {
		close(release[1]);
		_exit(db_open(NULL, t->url, t->log, &db) != OK ||
		    hold(db, ready[1], release[0]));
	}
	close(ready[1]);
	close(release[0]);
	ok(read(ready[0], &c, 1) == 1, "another process writes");
	close(ready[0]);
	h.release = release[1];
	return h;
}

static bool ended_well(pid_t pid)
{
	int status = 1;

	return waitpid(pid, &status, 0) == pid && status == 0;
}

/* ---- waiting ---- */

static void test_wait(struct dbtest *t)
{
	struct holder h = start_holder(t);
	int64_t before = counter(t), from;

	is_int(counter(t), before, "a reader does not wait and sees the old state");
	from = clock_mono_ms();
	close(h.release);
	is_int(raise_counter(t->db), OK, "a writer waits for the other one");
	ok(clock_mono_ms() - from >= HOLD_MS / 2, "until it is done");
	ok(ended_well(h.pid), "the other one commits");
	is_int(counter(t), before + 2, "and both writes are there");
}

static void test_give_up(struct dbtest *t)
{
	int64_t before = counter(t), noted = notes(t), from, took;
	struct holder h = start_holder(t);

	db_set_wait(t->db, SHORT_MS);
	from = clock_mono_ms();
	is_int(raise_counter(t->db), ERR_BUSY, "a single statement gives up");
	took = clock_mono_ms() - from;
	ok(took >= SHORT_MS - 1 && took < SHORT_MS * 10,
	    "when its time is over (%d ms)", (int)took);
	is_int(raise_and_note(t->db, 1), ERR_BUSY, "a transaction gives up too");
	is_int(notes(t), noted, "with nothing half done");
	close(h.release);
	ok(ended_well(h.pid), "the other one commits");
	is_int(counter(t), before + 1, "its write only");
	is_int(raise_and_note(t->db, 1), OK, "afterwards the same works");
	db_set_wait(t->db, 5000);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void test_signals(struct dbtest *t)
{
	struct sigaction act = { .sa_handler = on_alarm }, old;
	struct itimerval often = { { 0, 7000 }, { 0, 7000 } }, never = { 0 };
	struct holder h = start_holder(t);
	int64_t from;

	sigaction(SIGALRM, &act, &old);
	setitimer(ITIMER_REAL, &often, NULL);
	db_set_wait(t->db, SHORT_MS);
	from = clock_mono_ms();
	is_int(raise_counter(t->db), ERR_BUSY,
	    "with a timer of the process's own, it gives up");
	ok(clock_mono_ms() - from >= SHORT_MS - 1, "not before its time");
	db_set_wait(t->db, 5000);
	close(h.release);
	is_int(raise_counter(t->db), OK, "and waits as long as it takes");
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	ok(ended_well(h.pid), "the other one commits");
}

/* ---- sharing ---- */

static int write_for(struct dbtest *t, int ms, int64_t *count)
{
	int64_t end = clock_mono_ms() + ms;
	struct db *db;

	if (db_open(NULL, t->url, t->log, &db) != OK)
		return 1;
	for (*count = 0; clock_mono_ms() < end; (*count)++)
		if (raise_and_note(db, getpid()) != OK)
			return 1;
	return 0;
}

static void test_sharing(struct dbtest *t)
{
	enum { N = 3 };
	int64_t before = counter(t), noted = notes(t), sum = 0, least, most;
	int64_t *counts =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[N];

	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(write_for(t, 1000, &counts[i]));
	}
	for (int i = 0; i < N; i++)
		ok(ended_well(pids[i]), "writer %d of %d meets no error", i + 1, N);
	least = most = counts[0];
	for (int i = 0; i < N; i++) {
		sum += counts[i];
		least = counts[i] < least ? counts[i] : least;
		most = counts[i] > most ? counts[i] : most;
	}
	is_int(counter(t), before + sum, "no write of several processes is lost");
	is_int(notes(t), noted + sum, "nor its other half");
	ok(least * 5 > most, "and none starves (%d to %d)", (int)least, (int)most);
	munmap(counts, 4096);
}

/* ---- dying ---- */

static void test_kill(struct dbtest *t)
{
	int64_t before = counter(t);
	struct holder h = start_holder(t);
	int status = 0;

	kill(h.pid, SIGKILL);
	waitpid(h.pid, &status, 0);
	close(h.release);
	ok(WIFSIGNALED(status), "the other process is killed in its transaction");
	is_int(raise_counter(t->db), OK, "the next writer goes on");
	is_int(counter(t), before + 1, "and nothing of the dead one is there");
}

static void test_busy(struct dbtest *t)
{
	t->log->least = LOG_ERROR;
	dbtest_script(t->db,
	    "CREATE TABLE counters (id BIGINT PRIMARY KEY, n BIGINT);"
	    "INSERT INTO counters VALUES (1, 0); CREATE TABLE notes (who BIGINT);");
	test_wait(t);
	test_give_up(t);
	test_signals(t);
	test_sharing(t);
	test_kill(t);
}

int main(void)
{
	dbtest_run_empty(test_busy);
	return done_testing();
}
