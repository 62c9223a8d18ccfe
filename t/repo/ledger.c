
#include <string.h>

#include "base/mem.h"
#include "repo/campaign.h"
#include "repo/ledger_attempt.h"
#include "repo/ledger_check.h"
#include "repo/repo.h"
#include "repo/worker.h"
#include "dbtest.h"
#include "tap.h"

/* Ten people on list 1; two of them on list 2, which is left out; one suppressed, one
 * gone. */
static const char people[] =
    "INSERT INTO brands (id, name, hook_token, created_at, updated_at) VALUES (1, 'B', "
    "'h', 1, 1);"
    "INSERT INTO lists (id, brand_id, name, created_at, updated_at) VALUES (1, 1, 'a', "
    "1, 1),"
    " (2, 1, 'b', 1, 1);"
    "INSERT INTO subscribers (id, brand_id, email, email_key, status, custom, "
    "created_at, updated_at)"
    " VALUES (1,1,'P1@x.test','p1@x.test','active','{\"city\":\"Bonn\"}',1,1),"
    " (2,1,'p2@x.test','p2@x.test','active','{}',1,1),(3,1,'p3@x.test','p3@x.test','"
    "active','{}',1,1),"
    " (4,1,'p4@x.test','p4@x.test','active','{}',1,1),(5,1,'p5@x.test','p5@x.test','"
    "active','{}',1,1),"
    " (6,1,'p6@x.test','p6@x.test','active','{}',1,1),(7,1,'p7@x.test','p7@x.test','"
    "active','{}',1,1),"
    " (8,1,'p8@x.test','p8@x.test','active','{}',1,1),(9,1,'p9@x.test','p9@x.test','"
    "active','{}',1,1),"
    " (10,1,'p10@x.test','p10@x.test','unsubscribed','{}',1,1);"
    "INSERT INTO list_subscribers (list_id, subscriber_id, created_at) VALUES "
    "(1,1,1),(1,2,1),(1,3,1),"
    " (1,4,1),(1,5,1),(1,6,1),(1,7,1),(1,8,1),(1,9,1),(1,10,1),(2,8,1),(2,9,1);"
    "INSERT INTO suppressions (brand_id, email_key, reason, created_at) VALUES "
    "(1,'p7@x.test','manual',1);"
    "INSERT INTO subscriber_tags (subscriber_id, brand_id, tag) VALUES (1, 1, 'vip');"
    "INSERT INTO campaigns (id, brand_id, name, status, send_at, created_at, "
    "updated_at)"
    " VALUES (5, 1, 'C', 'sending', 100, 1, 1);"
    "INSERT INTO campaign_audience (campaign_id, list_id, exclude) VALUES "
    "(5,1,0),(5,2,1);";

/* Counts and rows agree, and the checker of the ledger has nothing to say. */
static bool sum_holds(struct dbtest *t)
{
	struct delivery_counts told, real;
	struct ledger_verdict v;

	if (ledger_counts(t->db, 5, &told) != OK ||
	    ledger_recount(t->db, 5, &real) != OK ||
	    ledger_check(t->db, t->mem, 5, &v) != OK)
		return false;
	for (size_t i = 0; i < v.n; i++)
		diag("%s: %s", v.faults[i].text, v.faults[i].example);
	return memcmp(&told, &real, sizeof(told)) == 0 && v.n == 0;
}

static int64_t state_of(struct db *db, int subscriber)
{
	STMT_SCOPE s = db_stmt_text(db,
	    "SELECT " STATE_OF_D " FROM campaign_subscribers d" CURSOR_OF_D
	    " WHERE d.campaign_id = 5 AND d.subscriber_id = $1");

	stmt_bind_int(s, 1, subscriber);
	return stmt_row(s) == OK ? stmt_int(s, 0) : -1;
}

static void freeze_all(struct db *db)
{
	bool complete = false;
	int rounds = 0;

	while (!complete && rounds++ < 20)
		if (ledger_freeze(db, 5, 3, 1000, &complete) != OK)
			return;
}

static void test_freeze(struct dbtest *t)
{
	bool complete = false;

	dbtest_script(t->db, people);
	ok(repo_prepare(t->db) == OK, "repo_prepare prepares");
	ok(ledger_freeze(t->db, 5, 3, 1000, &complete) == OK && !complete,
	    "ledger_freeze takes a batch");
	is_int(dbtest_int(t->db, "SELECT audience FROM campaigns WHERE id = 5"), 3,
	    "ledger_freeze counts it");
	freeze_all(t->db);
	is_int(dbtest_int(t->db, "SELECT audience FROM campaigns WHERE id = 5"), 6,
	    "ledger_freeze leaves out suppressed, excluded and unsubscribed people");
	ok(sum_holds(t), "ledger_freeze keeps the sum");
	ok(ledger_freeze(t->db, 5, 3, 1000, &complete) == OK && complete,
	    "ledger_freeze does nothing the second time");
	t->log->least = LOG_ERROR + 1;
	ok(db_script(t->db,
	       "INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id,"
	       " email_key) VALUES (21474836999, 5, 1, 'z@x.test')") != OK,
	    "the ledger takes nobody twice");
	ok(db_script(t->db,
	       "INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id,"
	       " email_key) VALUES (21474836999, 5, 99, 'p1@x.test')") != OK,
	    "nor an address");
	t->log->least = LOG_ERROR;
	dbtest_script(t->db, "UPDATE campaigns SET status = 'paused' WHERE id = 5;");
	ok(ledger_freeze(t->db, 5, 3, 1000, &complete) == ERR_CONFLICT,
	    "ledger_freeze refuses a campaign that is not sending");
}

/* A campaign that follows another one goes to exactly whom it names. */
static void test_follow(struct dbtest *t)
{
	static const char *const kinds[] = { "unopened", "unsent" };
	static const int64_t want[] = { 2, 1 };

	dbtest_script(t->db, people);
	freeze_all(t->db);
	dbtest_script(t->db,
	    "UPDATE campaign_subscribers SET state = 4, tries = 1"
	    " WHERE subscriber_id <= 5;"
	    "UPDATE campaign_subscribers SET opened_at = 1 WHERE subscriber_id = 1;"
	    "UPDATE campaign_subscribers SET bounced_at = 1 WHERE subscriber_id = 2;"
	    "UPDATE campaign_subscribers SET machine_opened_at = 1"
	    " WHERE subscriber_id = 3;"
	    "UPDATE subscribers SET status = 'unsubscribed' WHERE id = 5;"
	    "UPDATE campaign_subscribers SET state = 8 WHERE subscriber_id = 6;");
	for (int i = 0; i < 2; i++) {
		struct campaign c = { .brand_id = 1,
			.parent_id = 5,
			.audience_kind = (enum audience_kind)(i + 1) };
		int64_t reach = 0, id = 20 + i;
		bool complete = false;

		dbtest_script(t->db,
		    mem_printf(t->mem,
			"INSERT INTO campaigns (id, brand_id, name, status, parent_id,"
			" audience_kind, created_at, updated_at) VALUES (%lld, 1, 'F',"
			" 'sending', 5, '%s', 1, 1);",
			(long long)id, kinds[i]));
		ok(campaign_reach(t->db, &c, &reach) == OK, "it is counted before");
		while (!complete && ledger_freeze(t->db, id, 3, 1000, &complete) == OK)
			;
		is_int(reach, want[i], "%s: how many would get it", kinds[i]);
		is_int(dbtest_int(t->db,
			   mem_printf(t->mem,
			       "SELECT count(*) FROM"
			       " campaign_subscribers WHERE"
			       " campaign_id = %lld",
			       (long long)id)),
		    want[i], "%s: and who gets it", kinds[i]);
	}
	is_int(dbtest_int(t->db,
		   "SELECT sum(subscriber_id) FROM campaign_subscribers"
		   " WHERE campaign_id > 5"),
	    3 + 4 + 6, "exactly those");
}

static struct intent_batch intent(struct dbtest *t, const struct claim *c)
{
	struct intent_batch b = { 0 };

	ok(ledger_intent(t->db, t->mem, c, &b) == OK, "ledger_intent works");
	return b;
}

static void test_version(struct dbtest *t)
{
	struct claimed mine = { .mem = t->mem };
	struct claim a = { .owner = "11",
		.campaign = 5,
		.n = 4,
		.now = 2000,
		.version = 2,
		.mine = &mine };
	struct intent_batch batch;
	int64_t n;

	dbtest_script(t->db, people);
	freeze_all(t->db);
	ok(ledger_claim(t->db, &a, &n) == OK && n == 4, "four are claimed");
	batch = intent(t, &a);
	ok(!batch.sending && !batch.n,
	    "ledger_intent stops when the content is another version");
	a.version = 1;
	batch = intent(t, &a);
	ok(batch.sending && batch.n == 4, "and goes on with the one that stands");
}

static void test_attempts(struct dbtest *t)
{
	struct claimed mine = { .mem = t->mem }, theirs = { .mem = t->mem };
	struct claim a = { "11", 5, 4, 2000, .mine = &mine };
	struct claim b = { "22", 5, 4, 2000, .mine = &theirs };
	struct intent_batch batch;
	int64_t n;

	dbtest_script(t->db, people);
	freeze_all(t->db);
	ok(ledger_claim(t->db, &a, &n) == OK && n == 4, "ledger_claim claims four");
	ok(ledger_claim(t->db, &b, &n) == OK && n == 2,
	    "ledger_claim gives the others the rest");
	dbtest_script(t->db,
	    "UPDATE subscribers SET status = 'unsubscribed' WHERE id = 2;"
	    "INSERT INTO suppressions (brand_id, email_key, reason, created_at)"
	    " VALUES (1, 'p3@x.test', 'bounced', 1); DELETE FROM subscribers WHERE id "
	    "= 4;");
	dbtest_script(t->db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (2, 'Other', 'h2', 1, 1);"
	    "INSERT INTO suppressions (brand_id, email_key, reason, created_at)"
	    " VALUES (2, 'p1@x.test', 'complained', 1)");
	batch = intent(t, &a);
	is_int((int64_t)batch.n, 1,
	    "ledger_intent allows one, whom only another brand must not write to");
	is_int(batch.skipped, 3,
	    "ledger_intent skips who left, is suppressed or is gone");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM campaign_subscribers WHERE campaign_id = 5 AND"
		   " (subscriber_id, reason) IN ((2,'unsubscribed'), (3,'bounced'), "
		   "(4,'deleted'))"),
	    3, "ledger_intent says why");
	is_text(batch.rows[0].to, "P1@x.test",
	    "ledger_intent gives the address as frozen");
	ok(batch.rows[0].batch_id > 0 && batch.rows[0].tries == 1 &&
		batch.rows[0].refusals == 0,
	    "ledger_intent numbers the batch and the try");
	is_text(json_object_get_string(
		    json_object_object_get(batch.rows[0].who.custom, "city")),
	    "Bonn", "ledger_intent brings the custom fields");
	is_text(json_object_get_string(
		    json_object_array_get_idx(batch.rows[0].who.tags, 0)),
	    "vip", "ledger_intent brings the tags");
	ok(sum_holds(t), "ledger_intent keeps the sum");
	batch = intent(t, &a);
	is_int((int64_t)batch.n, 0, "ledger_intent gives nothing twice");
	dbtest_script(t->db, "UPDATE campaigns SET status = 'paused' WHERE id = 5;");
	batch = intent(t, &b);
	ok(!batch.sending && !batch.n,
	    "ledger_intent stops when the campaign is paused");
	ok(ledger_release(t->db, "22", 5) == OK &&
		state_of(t->db, 5) == DELIVERY_PENDING,
	    "ledger_release gives rows back");
	ok(sum_holds(t), "ledger_release keeps the sum");
}

/* Nobody gets a mail with the values of another one, or where nobody asked for it. */
static void test_changed(struct dbtest *t)
{
	struct claimed mine = { .mem = t->mem };
	struct claim a = { "11", 5, 6, 2000, .mine = &mine };
	struct intent_batch batch;
	int64_t n;

	dbtest_script(t->db, people);
	freeze_all(t->db);
	ok(ledger_claim(t->db, &a, &n) == OK && n == 6, "ledger_claim claims all");
	dbtest_script(t->db,
	    "UPDATE subscribers SET email = 'new@x.test', email_key = 'new@x.test'"
	    " WHERE id = 2; DELETE FROM subscribers WHERE id = 3;"
	    "INSERT INTO subscribers (id, brand_id, email, email_key, status, "
	    "first_name,"
	    " created_at, updated_at) VALUES"
	    " (700, 1, 'p3@x.test', 'p3@x.test', 'active', 'Another', 1, 1);");
	batch = intent(t, &a);
	is_int(batch.skipped, 2, "ledger_intent skips who changed or is gone");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM campaign_subscribers WHERE campaign_id = 5 AND"
		   " state = 6 AND (subscriber_id, reason) IN ((2, 'changed'), (3, "
		   "'deleted'))"),
	    2, "and says so");
	ok(sum_holds(t), "and keeps the sum");
}

/* An intent on a database that is older than the one its mark was made for. */
static void test_mark(struct dbtest *t)
{
	struct claimed mine = { .mem = t->mem };
	struct host_mark mark = { .host = "h", .slot = 0, .n = 6, .before = 5 };
	struct claim a = { .owner = "11",
		.campaign = 5,
		.n = 1,
		.now = 2000,
		.mine = &mine,
		.mark = &mark,
		.connects = db_connects(t->db) };
	struct intent_batch b;
	int64_t n;

	dbtest_script(t->db, people);
	dbtest_script(t->db,
	    "INSERT INTO hosts (id, name, nonce, seen_at, created_at)"
	    " VALUES ('h', 'H', 'x', 1, 1);"
	    "INSERT INTO host_marks (host_id, slot, n) VALUES ('h', 0, 4), ('h', 1, "
	    "9);");
	freeze_all(t->db);
	a.n = 4;
	ok(ledger_claim(t->db, &a, &n) == OK && n == 4, "ledger_claim claims");
	a.n = 1;
	ok(ledger_intent(t->db, t->mem, &a, &b) == ERR_CONFLICT && !b.n,
	    "ledger_intent: a database without the last mark is an older one");
	is_int(dbtest_int(t->db, "SELECT n FROM host_marks WHERE slot = 0"), 4,
	    "and keeps the mark it has");
	mark.before = 4;
	a.connects++;
	ok(ledger_intent(t->db, t->mem, &a, &b) == ERR_CONFLICT && !b.n,
	    "nor is another connection trusted");
	a.connects--;
	ok(ledger_intent(t->db, t->mem, &a, &b) == OK && b.n == 1,
	    "the right one takes the intent");
	is_int(dbtest_int(t->db, "SELECT n FROM host_marks WHERE slot = 0"), 6,
	    "and its mark with it");
	dbtest_script(t->db, "UPDATE campaigns SET status = 'paused' WHERE id = 5");
	mark.before = mark.n++;
	ok(ledger_intent(t->db, t->mem, &a, &b) == OK && !b.sending &&
		dbtest_int(t->db, "SELECT n FROM host_marks WHERE slot = 0") == 6,
	    "no intent, no mark");
}

static bool is_due(struct dbtest *t)
{
	struct due_campaign *due;
	size_t n;

	return ledger_due(t->db, t->mem, 1000, &due, &n) == OK && n == 1;
}

/* Triggers look at a cancelled campaign until it has no open row, and then no more. */
static void test_cancelled(struct dbtest *t)
{
	struct claimed mine = { .mem = t->mem };
	struct claim a = { .owner = "11",
		.campaign = 5,
		.n = 1,
		.now = 1000,
		.mine = &mine };
	int64_t n = 0;

	dbtest_script(t->db, people);
	freeze_all(t->db);
	ok(ledger_claim(t->db, &a, &n) == OK && n == 1, "somebody has a row");
	dbtest_script(t->db, "UPDATE campaigns SET status = 'cancelled' WHERE id = 5;");
	ok(is_due(t), "a campaign that was cancelled is due");
	ok(ledger_cancel_open(t->db, 5, 100, 1, &n) == OK && n == 1,
	    "the row of a worker stays open");
	ok(is_due(t), "and the campaign due");
	ok(ledger_release(t->db, "11", 5) == OK, "the worker lets go");
	ok(ledger_cancel_open(t->db, 5, 100, 1, &n) == OK && n == 0,
	    "all is cancelled");
	ok(!is_due(t), "and the campaign is due no longer");
}

static void test_finish(struct dbtest *t)
{
	struct due_campaign *due;
	size_t n;
	bool finished;
	int64_t at;

	dbtest_script(t->db, people);
	dbtest_script(t->db,
	    "INSERT INTO campaigns (id, brand_id, name, status, send_at, created_at,"
	    " updated_at) VALUES (6, 1, 'L', 'scheduled', 5000, 1, 1), (7, 1, 'D', "
	    "'draft', 1, 1, 1);"
	    "DELETE FROM campaign_audience WHERE list_id = 1;");
	ok(ledger_due(t->db, t->mem, 4999, &due, &n) == OK && n == 1 && due[0].id == 5,
	    "ledger_due gives what is sending");
	ok(ledger_due(t->db, t->mem, 5000, &due, &n) == OK && n == 2 &&
		due[1].status == CAMPAIGN_SCHEDULED,
	    "ledger_due gives a schedule at its time");
	ok(ledger_next_at(t->db, &at) == OK && at == 5000,
	    "ledger_next_at knows the next schedule");
	ok(ledger_finish(t->db, 5, 1, &finished) == OK && !finished,
	    "ledger_finish waits for the freeze");
	freeze_all(t->db);
	ok(ledger_finish(t->db, 5, 1, &finished) == OK && finished,
	    "ledger_finish completes an empty audience");
}

static void test_worker(struct dbtest *t)
{
	struct db *other = dbtest_connect(t);
	struct worker *a, *b;
	char *name;

	ok(worker_open(t->mem, t->db, t->dir, &a) == OK, "worker_open opens");
	ok(worker_open(t->mem, other, t->dir, &b) == OK, "worker_open opens another");
	ok(!worker_dead(a, worker_owner(a)), "worker_dead is never true of itself");
	ok(!worker_dead(b, worker_owner(a)), "worker_dead knows the living");
	ok(!worker_dead(b, "nobody's"),
	    "worker_dead is careful with a name it does not know");
	name = mem_str(t->mem, worker_owner(a));
	mem_free(a);
	ok(worker_dead(b, name), "worker_dead knows the dead");
	mem_free(b);
}

int main(void)
{
	dbtest_run(test_freeze);
	dbtest_run(test_follow);
	dbtest_run(test_version);
	dbtest_run(test_attempts);
	dbtest_run(test_changed);
	dbtest_run(test_mark);
	dbtest_run(test_cancelled);
	dbtest_run(test_finish);
	dbtest_run(test_worker);
	return done_testing();
}
