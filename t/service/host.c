#include "service/host.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "dbtest.h"
#include "repo/campaign_going.h"
#include "repo/repo.h"
#include "service/host_file.h"
#include "service/host_mark.h"
#include "tap.h"

#define NOW INT64_C(1795510810500)

struct site {
	struct dbtest *t;
	struct host_place place;
	struct host host; /* of the last visit */
	bool changed;
};

static const char *visit(struct site *s)
{
	if (host_visit(s->t->db, s->t->mem, &s->place, NOW, &s->host, &s->changed) !=
	    OK)
		return "failed";
	return s->host.held;
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		ok(false, "%s is written", path);
	close(fd);
}

/* A state directory and a machine of its own. */
static struct site site_of(struct dbtest *t, const char *name)
{
	struct site s = { .t = t };

	s.place.state_dir = mem_printf(t->mem, "%s/%s", t->dir, name);
	s.place.machine_file = mem_printf(t->mem, "%s/machine-%s", t->dir, name);
	mkdir(s.place.state_dir, 0700);
	write_text(s.place.machine_file, mem_printf(t->mem, "machine of %s\n", name));
	return s;
}

static struct host_file file_of(const struct site *s)
{
	struct host_file f;

	ok(host_file_read(s->place.state_dir, s->place.machine_file, &f) == OK &&
		f.there && !f.copied,
	    "the file of %s is its own", s->place.state_dir);
	return f;
}

static void put_back(const struct site *s, const struct host_file *f)
{
	ok(host_file_write(s->place.state_dir, s->place.machine_file, f) == OK,
	    "an older file is put back");
}

static int64_t confirm(struct dbtest *t, bool pause)
{
	int64_t paused = -1;

	ok(host_confirm(t->db, pause, NOW, &paused) == OK, "host_confirm confirms");
	return paused;
}

static void test_first(struct dbtest *t)
{
	struct site a, b;
	struct host_file before;
	int n;

	ok(repo_prepare(t->db) == OK, "statements");
	a = site_of(t, "a");
	is_text(visit(&a), "", "host_visit: a new database takes its first host");
	ok(a.changed && *a.host.name, "and says that it is new");
	before = file_of(&a);
	is_text(visit(&a), "", "which may come again");
	ok(!a.changed, "as one who is known");
	ok(strcmp(file_of(&a).nonce, before.next) == 0 &&
		strcmp(file_of(&a).next, before.next) != 0,
	    "with another nonce each time");
	put_back(&a, &before);
	is_text(visit(&a), "",
	    "killed between the database and its file it is no stranger");
	is_text(visit(&a), "", "nor afterwards");

	b = site_of(t, "b");
	is_text(visit(&b), "new", "a second host is held");
	ok(b.changed, "and says so once");
	is_text(visit(&b), "new", "until somebody confirms");
	ok(!b.changed, "without saying it again");
	is_text(visit(&a), "", "the first one goes on meanwhile");
	is_int(confirm(t, false), 0, "no campaign is paused unasked");
	is_text(visit(&b), "", "then it may send");
	is_text(visit(&b), "", "and goes on so");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM hosts"), 2,
	    "no host is known twice");
	ok(host_awake(t->db, NOW - 1000, &n) == OK && n == 2,
	    "host_awake counts those who send");
	ok(host_awake(t->db, NOW + 1, &n) == OK && n == 0, "and were here since");
}

static void test_restored(struct dbtest *t)
{
	struct site a, b;
	struct host_file old;
	struct host *h;

	ok(repo_prepare(t->db) == OK, "statements");
	a = site_of(t, "a");
	b = site_of(t, "b");
	visit(&a);
	visit(&b);
	confirm(t, false);
	dbtest_script(t->db, "CREATE TABLE backup AS SELECT * FROM hosts");
	ok(host_held(t->db, t->mem, &h) == ERR_NOTFOUND, "nothing is held");
	visit(&a);
	visit(&a);
	dbtest_script(t->db,
	    "DELETE FROM hosts; INSERT INTO hosts SELECT * FROM backup;");
	is_text(visit(&a), "restored",
	    "host_visit: a database that is older holds its host");
	ok(a.changed, "and says so");
	is_text(visit(&b), "restored", "and every other one");
	ok(host_held(t->db, t->mem, &h) == OK && strcmp(h->held, "restored") == 0,
	    "pages are told");
	is_text(visit(&a), "restored", "coming again changes nothing");
	ok(!a.changed, "and is not told again");
	confirm(t, false);
	is_text(visit(&a), "", "confirmed, it goes on");
	is_text(visit(&b), "", "and the other one");

	old = file_of(&a);
	visit(&a);
	visit(&a);
	put_back(&a, &old);
	is_text(visit(&a), "restored",
	    "a state directory that is older than the database is held too");
	confirm(t, false);
	dbtest_script(t->db, "DELETE FROM hosts");
	is_text(visit(&a), "", "an empty database takes a host that another one knew");
	dbtest_script(t->db,
	    "DELETE FROM hosts;"
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (1, 'B', 'h', 1, 1);"
	    "INSERT INTO campaigns (id, brand_id, name, status, send_at, created_at,"
	    " updated_at) VALUES (5, 1, 'C', 'scheduled', 100, 1, 1);");
	is_text(visit(&a), "restored", "but not one that would send something");
}

static void copy_dir(struct dbtest *t, const char *from, const char *to,
    const char *how)
{
	char *cmd = mem_printf(t->mem, "cp %s '%s/host' '%s/host'", how, from, to);

	ok(system(cmd) == 0, "%s", "the file is copied");
}

static void test_copied(struct dbtest *t)
{
	struct site a, b, moved;
	char *saved = mem_printf(t->mem, "%s/saved", t->dir);

	ok(repo_prepare(t->db) == OK, "statements");
	a = site_of(t, "a");
	visit(&a);
	b = site_of(t, "b");
	b.place.machine_file = a.place.machine_file;
	copy_dir(t, a.place.state_dir, b.place.state_dir, "-a");
	is_text(visit(&b), "copied", "host_visit: a copy on the same machine is held");
	is_text(visit(&a), "", "its original is not");
	confirm(t, false);
	is_text(visit(&b), "", "confirmed, both go on");
	is_text(visit(&a), "", "each by itself");

	mkdir(saved, 0700);
	copy_dir(t, a.place.state_dir, saved, "-a");
	visit(&a);
	copy_dir(t, saved, a.place.state_dir, "-a");
	is_text(visit(&a), "copied", "a copy put back in its old place is one");
	confirm(t, false);
	is_text(visit(&a), "", "and goes on when confirmed");

	moved = a;
	moved.place.machine_file = site_of(t, "m").place.machine_file;
	is_text(visit(&moved), "copied", "the same disk in another machine is held");
	confirm(t, false);
	is_text(visit(&moved), "", "until confirmed");
	moved.place.machine_file = "/nonexistent/machine-id";
	is_text(visit(&moved), "copied", "a machine without a number is another one");
	confirm(t, false);
	is_text(visit(&moved), "", "and may stay so");

	write_text(mem_printf(t->mem, "%s/host", a.place.state_dir), "rubbish");
	is_text(visit(&a), "new", "a file that cannot be read is as none");
}

static void test_confirm(struct dbtest *t)
{
	struct campaign_going *c;
	struct site a;
	int64_t total;
	size_t n;

	ok(repo_prepare(t->db) == OK, "statements");
	dbtest_script(t->db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (1, 'B', 'h', 1, 1);"
	    "INSERT INTO campaigns (id, brand_id, name, status, send_at, resume_at,"
	    " created_at, updated_at) VALUES"
	    " (5, 1, 'C', 'scheduled', 300, NULL, 1, 1),"
	    " (6, 1, 'D', 'sending', 100, NULL, 1, 1),"
	    " (7, 1, 'E', 'paused', 1, 200, 1, 1),"
	    " (8, 1, 'F', 'paused', 1, NULL, 1, 1),"
	    " (9, 1, 'G', 'draft', NULL, NULL, 1, 1),"
	    " (10, 1, 'H', 'completed', 1, NULL, 1, 1);"
	    "INSERT INTO campaign_counts (campaign_id, state, n) VALUES"
	    " (6, 0, 7), (6, 3, 2), (6, 4, 11);");
	ok(campaign_going(t->db, t->mem, &c, &n, &total) == OK && n == 3 && total == 3,
	    "campaign_going lists what would go out");
	ok(c[0].id == 6 && c[1].id == 7 && c[2].id == 5, "in order of time");
	ok(c[0].left == 9 && c[0].accepted == 11, "with what is left");
	a = site_of(t, "a");
	is_text(visit(&a), "", "a host");
	is_int(confirm(t, true), 3, "host_confirm pauses what would go on");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM campaigns WHERE status = 'paused'"
		   " AND resume_at IS NULL AND id IN (5, 6, 7)"
		   " AND pause_reason LIKE 'It was paused%'"),
	    3, "for good, and says why");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM campaigns WHERE pause_reason = ''"),
	    3, "and nothing else");
	is_text(host_held_word("restored"), "restored", "a word of ours");
	ok(host_held_word("") == NULL && *host_held_sentence("") == '\0',
	    "nothing to say of what is not held");
	ok(*host_held_sentence("new") && *host_held_sentence("copied"),
	    "a sentence for each");
}

/* ---- marks ---- */

/* A slice that hands something over: the number commits, and is told or not. */
static void intend(struct site *s, struct host_marker *m, bool told)
{
	TX_SCOPE tx = { 0 };

	if (tx_begin(s->t->db, &tx) != OK ||
	    host_mark_put(s->t->db, host_marker_next(m)) != OK || tx_commit(&tx) != OK)
		ok(false, "the intent commits");
	if (told && host_marker_tell(m) != OK)
		ok(false, "its mark is told");
}

static struct host_marker *begin(struct site *s)
{
	struct host_marker *m;

	if (host_marker_open(s->t->mem, s->t->db, &s->place, s->host.id, &m) != OK)
		ok(false, "a slot is taken");
	return m;
}

static struct site marked_site(struct dbtest *t, const char *name)
{
	struct site s = site_of(t, name);
	struct keyring *keys;

	if (keyring_load(t->mem, mem_printf(t->mem, "%s/key", t->dir), true, &keys) !=
		OK ||
	    kv_open(t->mem, "", t->log, &s.place.kv) != OK)
		ok(false, "the second witness opens");
	s.place.keys = keys;
	visit(&s);
	confirm(t, false);
	return s;
}

static void keep(struct dbtest *t)
{
	dbtest_script(t->db,
	    "DROP TABLE IF EXISTS kept; DROP TABLE IF EXISTS kept_marks;"
	    "CREATE TABLE kept AS SELECT * FROM hosts;"
	    "CREATE TABLE kept_marks AS SELECT * FROM host_marks;");
}

/* The hosts too, as of then. */
static void bring_back(struct dbtest *t)
{
	dbtest_script(t->db,
	    "DELETE FROM host_marks; DELETE FROM hosts;"
	    "INSERT INTO hosts SELECT * FROM kept;"
	    "INSERT INTO host_marks SELECT * FROM kept_marks;");
}

static void remove_marks(struct site *s)
{
	char *cmd = mem_printf(s->t->mem, "rm -r '%s/marks'", s->place.state_dir);

	ok(system(cmd) == 0, "the files are gone");
}

static void test_marks(struct dbtest *t)
{
	struct host_marker *m, *n;
	struct site a;

	ok(repo_prepare(t->db) == OK, "statements");
	a = marked_site(t, "a");
	m = begin(&a);
	intend(&a, m, true);
	is_text(visit(&a), "", "host_visit: marks that fit hold nobody");
	keep(t);
	ok(!host_marker_told(begin(&a)), "another slice has a slot of its own");
	intend(&a, m, false);
	is_text(visit(&a), "",
	    "killed before its mark was told it is no older database");
	bring_back(t);
	is_text(visit(&a), "restored", "the nonce alone tells a visit in between");
	confirm(t, false);

	visit(&a);
	keep(t);
	intend(&a, m, true);
	bring_back(t);
	is_text(visit(&a), "restored", "host_visit: one intent is missing");
	ok(a.changed, "and it says so");
	is_text(visit(&a), "restored", "and again");
	confirm(t, false);
	is_text(visit(&a), "", "confirmed, the marks fit again");
	intend(&a, m, true);
	is_text(visit(&a), "", "and go on so");
	mem_free(m);

	m = begin(&a);
	n = begin(&a);
	ok(host_marker_next(m)->slot != host_marker_next(n)->slot,
	    "slices at once have a slot each");
	intend(&a, n, true);
	visit(&a);
	keep(t);
	intend(&a, m, true);
	intend(&a, n, true);
	dbtest_script(t->db,
	    "DELETE FROM kept_marks WHERE slot <> 0;"
	    "INSERT INTO kept_marks SELECT * FROM host_marks"
	    " WHERE slot <> 0;");
	bring_back(t);
	is_text(visit(&a), "restored",
	    "the later intent is there and the earlier one of another slice is not");
	confirm(t, false);
	dbtest_script(t->db, "DELETE FROM send_attempts");
	is_text(visit(&a), "", "what was removed from the ledger says nothing");
}

static void test_second_witness(struct dbtest *t)
{
	struct host_marker *m;
	struct kv *kv;
	struct site a, b;

	ok(repo_prepare(t->db) == OK, "statements");
	a = marked_site(t, "a");
	m = begin(&a);
	intend(&a, m, true);
	visit(&a);
	keep(t);
	intend(&a, m, true);
	remove_marks(&a);
	bring_back(t);
	is_text(visit(&a), "restored", "host_visit: memcached alone tells it too");
	confirm(t, false);
	is_text(visit(&a), "", "confirmed, it fits again");

	kv = a.place.kv;
	m = begin(&a);
	intend(&a, m, true);
	a.place.kv = NULL;
	intend(&a, m, true);
	intend(&a, m, true);
	a.place.kv = kv;
	is_text(visit(&a), "", "one that has an old number holds nobody");
	if (kv_open(t->mem, "", t->log, &a.place.kv) != OK)
		ok(false, "an empty one");
	is_text(visit(&a), "", "nor does one that is empty");
	keep(t);
	intend(&a, m, false);
	visit(&a);
	remove_marks(&a);
	intend(&a, m, false);
	bring_back(t);
	dbtest_script(t->db, "UPDATE hosts SET nonce = (SELECT nonce FROM kept)");
	is_text(visit(&a), "restored", "which a visit fills again");
	confirm(t, false);

	b = marked_site(t, "b");
	b.place.kv = a.place.kv;
	is_text(visit(&b), "", "what it has of another host says nothing");
	mem_free(m);
	m = begin(&b);
	intend(&b, m, true);
	is_text(visit(&a), "", "and the other way round");
}

static void test_full(struct dbtest *t)
{
	struct host_marker *m;
	struct site a;

	ok(repo_prepare(t->db) == OK, "statements");
	a = marked_site(t, "a");
	write_text(mem_printf(t->mem, "%s/marks", a.place.state_dir), "no directory");
	ok(host_marker_open(t->mem, t->db, &a.place, a.host.id, &m) == ERR_IO,
	    "host_marker_open: where no mark can be kept no slice begins");
}

static void test_leave(struct dbtest *t)
{
	struct site a;

	ok(repo_prepare(t->db) == OK, "statements");
	a = site_of(t, "a");
	ok(host_leave(t->db, t->mem, &a.place, NOW) == OK &&
		dbtest_int(t->db, "SELECT count(*) FROM hosts") == 0,
	    "host_leave: who was never there does not come in by leaving");
	visit(&a);
	keep(t);
	ok(host_leave(t->db, t->mem, &a.place, NOW) == OK, "a host leaves");
	bring_back(t);
	is_text(visit(&a), "restored", "a backup from before is an older database");
}

int main(void)
{
	dbtest_run(test_first);
	dbtest_run(test_restored);
	dbtest_run(test_copied);
	dbtest_run(test_confirm);
	dbtest_run(test_marks);
	dbtest_run(test_second_witness);
	dbtest_run(test_full);
	dbtest_run(test_leave);
	return done_testing();
}
