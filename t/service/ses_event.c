#include "service/ses_event.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "dbtest.h"
#include "repo/ledger_check.h"
#include "repo/repo.h"
#include "tap.h"

enum { PEOPLE = 12, NOW = 1000000 };

/*
 * Campaign 5 of brand 1: person n has row n of it; states as the engine left them, one
 * under way for the first time and one for the second, one that is claimed and one that
 * waits.  Brand 2 has a person of the same address as person 1.
 */
static const struct {
	int state, tries, told; /* state as people see it; the try events are of */
} rows[PEOPLE + 1] = {
	{ 0, 0, 0 },
	{ 7, 1, 1 },
	{ 4, 1, 1 },
	{ 4, 1, 1 },
	{ 2, 0, 1 },
	{ 3, 1, 1 },
	{ 4, 1, 1 },
	{ 4, 2, 2 },
	{ 9, 1, 1 },
	{ 4, 1, 1 },
	{ 2, 1, 2 },
	{ 0, 0, 1 }, /* restored: Amazon knows more than this database */
	{ 1, 0, 3 },
};
#define ROW(n) "((CAST(5 AS BIGINT) << 32) + " #n ")"

static void add_row(struct buf *b, int n)
{
	const int tries = rows[n].tries, state = rows[n].state;
	const long long id = 21474836480LL + n;

	buf_printf(b,
	    "INSERT INTO subscribers (id, brand_id, email, email_key, status,"
	    " created_at, updated_at) VALUES (%d, 1, 'p%d@x.test', 'p%d@x.test',"
	    " 'active', 1, 1);"
	    "INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id,"
	    " email_key, state, tries, next_try_at, message_id) VALUES (%lld, 5, %d,"
	    " 'p%d@x.test', %d, %d, %s, CASE WHEN %d = 4 THEN 'ses-%d' END);"
	    "INSERT INTO campaign_counts (campaign_id, state, n) VALUES (5, %d, 1)"
	    " ON CONFLICT (campaign_id, state) DO UPDATE"
	    " SET n = campaign_counts.n + 1;",
	    n, n, n, id, n, n, state <= 2 && tries == 0 ? 0 : state, tries,
	    state == 3 ? "9" : "NULL", state, n, state);
	for (int i = 1; i <= tries && (tries > 1 || state != 4); i++)
		buf_printf(b,
		    "INSERT INTO send_attempts (campaign_id, delivery_id, try,"
		    " started_at, finished_at, outcome) VALUES (5, %lld, %d, 1, 1, "
		    "%d);",
		    id, i,
		    i < tries || state <= 3 ? 3
			: state == 9        ? 7
					    : state);
}

static void world(struct dbtest *t)
{
	struct buf *b = buf_new(t->mem);

	buf_str(b,
	    "DELETE FROM send_attempts; DELETE FROM email_events;"
	    "DELETE FROM send_batches; DELETE FROM send_leases;"
	    "DELETE FROM send_cursors;"
	    "DELETE FROM campaigns; DELETE FROM suppressions; DELETE FROM subscribers;"
	    "DELETE FROM brands;"
	    "DELETE FROM campaign_subscribers; DELETE FROM campaign_stats;"
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at) VALUES"
	    " (1, 'B', 'h', 1, 1), (2, 'C', 'i', 1, 1);"
	    "INSERT INTO campaigns (id, brand_id, name, status, audience, created_at,"
	    " updated_at) VALUES (5, 1, 'C', 'sending', 12, 1, 1);"
	    "INSERT INTO subscribers (id, brand_id, email, email_key, status, "
	    "created_at,"
	    " updated_at) VALUES (99, 2, 'p1@x.test', 'p1@x.test', 'active', 1, 1);"
	    "INSERT INTO send_cursors (campaign_id, next_id) VALUES (5, " ROW(
		11) ");"
		    "UPDATE send_cursors SET next_id = " ROW(
			13) ";"
			    "INSERT INTO send_leases (campaign_id, next_id, to_id, "
			    "owner) VALUES"
			    " (5, " ROW(11) ", " ROW(12) ", NULL), (5, " ROW(
				12) ", " ROW(13) ", 'w');"
						 "INSERT INTO send_batches "
						 "(campaign_id, owner, started_at, "
						 "left_open,"
						 " deliveries) VALUES (5, 'w', 1, 2, "
						 "'[[21474836484,1],[21474836490,2]]')"
						 ";");
	for (int i = 1; i <= PEOPLE; i++)
		add_row(b, i);
	dbtest_script(t->db, b->data);
}

/* An event of person n; part: the members of its own object. */
static char *event(void *mem, const char *type, const char *name, int n,
    const char *part)
{
	return mem_printf(mem,
	    "{\"eventType\":\"%s\",\"mail\":{\"messageId\":\"ses-%d\","
	    "\"timestamp\":\"2026-11-24T10:00:00Z\",\"destination\":[\"p9@x.test\"],"
	    "\"tags\":{\"maillayer_delivery\":[\"%lld-%d\"]}},\"%s\":{%s}}",
	    type, n, 21474836480LL + n, n <= PEOPLE ? rows[n].told : 1, name, part);
}

static char *bounce(void *mem, int n, const char *type, const char *sub,
    const char *feedback)
{
	return event(mem, "Bounce", "bounce", n,
	    mem_printf(mem,
		"\"bounceType\":\"%s\",\"bounceSubType\":\"%s\",\"feedbackId\":\"%s\","
		"\"timestamp\":\"2026-11-24T10:00:%02d.000Z\",\"bouncedRecipients\":"
		"[{\"emailAddress\":\"P%d@x.test\",\"status\":\"5.1.1\","
		"\"diagnosticCode\":\"smtp; 550 gone\"}]",
		type, sub, feedback, 10 + n, n));
}

static char *delivery(void *mem, int n)
{
	return event(mem, "Delivery", "delivery", n,
	    mem_printf(mem,
		"\"timestamp\":\"2026-11-24T10:00:05.000Z\",\"recipients\":"
		"[\"p%d@x.test\"],\"smtpResponse\":\"250 ok\"",
		n));
}

static char *complaint(void *mem, int n, const char *kind, const char *feedback)
{
	return event(mem, "Complaint", "complaint", n,
	    mem_printf(mem,
		"\"complaintFeedbackType\":\"%s\",\"feedbackId\":\"%s\",\"timestamp\":"
		"\"2026-11-24T10:05:00.000Z\",\"complainedRecipients\":"
		"[{\"emailAddress\":\"p%d@x.test\"}]",
		kind, feedback, n));
}

static void happens_to(struct dbtest *t, int64_t brand, const char *text)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "event");
	const struct ses_notice n = { .brand_id = brand, .text = text, .now = NOW };
	const char *kind;
	TX_SCOPE tx = { 0 };

	if (tx_begin(t->db, &tx) != OK ||
	    ses_event_apply(t->db, tmp, &n, &kind) != OK || tx_commit(&tx) != OK)
		ok(false, "ses_event_apply takes %s", text);
}

static void happens(struct dbtest *t, const char *text)
{
	happens_to(t, 1, text);
}

/* All that events may change. */
static char *picture(struct dbtest *t)
{
	static const char *const tables[] = {
		"SELECT 'row ' || id || ' ' || state || ' ' || reason || ' '"
		" || coalesce(message_id, '-') || ' ' || coalesce(delivered_at, 0) || "
		"' '"
		" || coalesce(bounced_at, 0) || ' ' || bounce || ' '"
		" || coalesce(complained_at, 0) FROM campaign_subscribers ORDER BY id",
		"SELECT 'attempt ' || delivery_id || ' ' || try || ' ' || outcome || ' "
		"'"
		" || coalesce(message_id, '-') FROM send_attempts"
		" ORDER BY delivery_id, try",
		"SELECT 'batch ' || left_open || ' ' || deliveries FROM send_batches",
		"SELECT 'count ' || state || ' ' || n FROM campaign_counts"
		" WHERE n <> 0 ORDER BY state",
		"SELECT 'stats ' || delivered || ' ' || bounced || ' ' || soft_bounced"
		" || ' ' || complained || ' ' || last_event_at FROM campaign_stats",
		"SELECT 'event ' || subscriber_id || ' ' || type || ' ' || at || ' '"
		" || detail FROM email_events ORDER BY subscriber_id, type, at, detail",
		"SELECT 'person ' || id || ' ' || status FROM subscribers ORDER BY id",
		"SELECT 'suppressed ' || email_key || ' ' || reason FROM suppressions"
		" ORDER BY email_key",
	};
	struct buf *b = buf_new(t->mem);

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		STMT_SCOPE s = db_stmt_text(t->db, tables[i]);

		while (stmt_next(s)) {
			buf_str(b, stmt_text(s, 0));
			buf_char(b, '\n');
		}
		if (stmt_error(s) != OK)
			ok(false, "table %d can be read", (int)i);
	}
	return b->data;
}

/* The number a query of $1 gives. */
static int64_t number(struct dbtest *t, const char *what, int n)
{
	STMT_SCOPE s = db_stmt_text(t->db, what);

	stmt_bind_int(s, 1, n);
	return stmt_row(s) == OK ? stmt_int(s, 0) : -1;
}

static int64_t state(struct dbtest *t, int n)
{
	return number(t,
	    "SELECT state FROM campaign_subscribers WHERE subscriber_id = $1", n);
}

static int64_t active(struct dbtest *t, int n)
{
	return number(t,
	    "SELECT count(*) FROM subscribers WHERE id = $1 AND status = 'active'"
	    " AND NOT EXISTS (SELECT 1 FROM suppressions x WHERE x.brand_id = 1"
	    "   AND x.email_key = subscribers.email_key)",
	    n);
}

/* What is under way, and what this database knows less of than Amazon. */
static void open_ones(struct dbtest *t)
{
	happens(t, delivery(t->mem, 10));
	is_int(state(t, 10), 4, "and a second try that is still on its way");
	is_int(number(t,
		   "SELECT count(*) FROM send_batches WHERE left_open = $1"
		   " AND owner IS NULL AND deliveries = '[]'",
		   0),
	    1, "with both of them its batch is closed");
	happens(t, delivery(t->mem, 11));
	happens(t, delivery(t->mem, 12));
	is_int(state(t, 11) * 10 + state(t, 12), 44,
	    "and what this database had not yet begun when it was restored");
}

static void effects(struct dbtest *t)
{
	if (repo_prepare(t->db) != OK)
		ok(false, "all SQL is prepared");
	world(t);
	happens(t, event(t->mem, "Send", "send", 1, ""));
	is_int(state(t, 1), 4, "Send settles doubt");
	is_int(number(t,
		   "SELECT count(*) FROM campaign_subscribers WHERE subscriber_id = $1"
		   " AND message_id = 'ses-1' AND tries = 1",
		   1),
	    1, "and keeps Amazon's id");
	happens(t, delivery(t->mem, 4));
	is_int(state(t, 4), 4, "Delivery settles what is still on its way");
	happens(t, delivery(t->mem, 5));
	is_int(state(t, 5), 4, "and what was to be tried again");
	happens(t, delivery(t->mem, 8));
	is_int(state(t, 8), 4, "and what was given up");
	open_ones(t);
	is_int(number(t, "SELECT delivered FROM campaign_stats WHERE campaign_id = $1",
		   5),
	    6, "and is counted");
	happens(t, bounce(t->mem, 2, "Permanent", "General", "f2"));
	is_int(active(t, 2), 0, "a permanent bounce stops mail to the person");
	is_int(active(t, 9), 1, "and not to who stands in mail.destination");
	is_int(number(t,
		   "SELECT count(*) FROM campaign_subscribers WHERE subscriber_id = $1"
		   " AND bounce = 'permanent General 5.1.1' AND bounced_at > 0",
		   2),
	    1, "and stands in the ledger");
	happens(t, bounce(t->mem, 3, "Transient", "MailboxFull", "f3"));
	is_int(active(t, 3), 1, "a transient one does not");
	happens(t, bounce(t->mem, 6, "Undetermined", "Undetermined", "f6"));
	is_int(active(t, 6), 1, "nor one that nobody understands");
	happens(t, bounce(t->mem, 7, "Permanent", "OnAccountSuppressionList", "f7"));
	is_int(active(t, 7), 0, "an echo of Amazon's list stops mail too");
	is_int(number(t,
		   "SELECT bounced * 10 + soft_bounced FROM campaign_stats"
		   " WHERE campaign_id = $1",
		   5),
	    12, "but is not in the bounce rate");
	happens(t, complaint(t->mem, 9, "not-spam", "c0"));
	is_int(active(t, 9), 1, "not-spam is no complaint");
	happens(t, complaint(t->mem, 9, "abuse", "c1"));
	is_int(active(t, 9), 0, "a complaint stops mail");
	is_int(number(t, "SELECT complained FROM campaign_stats WHERE campaign_id = $1",
		   5),
	    1, "and is counted");
	is_int(number(t,
		   "SELECT count(*) FROM subscribers WHERE id = $1"
		   " AND status = 'active'",
		   99),
	    1, "another brand's person of that address is not touched");
}

static void refused(struct dbtest *t)
{
	char *before;

	if (repo_prepare(t->db) != OK)
		ok(false, "all SQL is prepared");
	world(t);
	before = picture(t);
	happens(t, "{}");
	happens(t, "Successfully validated SNS topic for Amazon SES event publishing.");
	happens(t, "[1,2]");
	happens(t, event(t->mem, "Subscription", "subscription", 1, ""));
	happens(t,
	    event(t->mem, "Open", "open", 1, "\"timestamp\":\"2026-11-24T10:00:00Z\""));
	happens(t, event(t->mem, "Whatever", "x", 1, ""));
	happens(t, event(t->mem, "Bounce", "x", 1, ""));
	happens(t, event(t->mem, "Bounce", "bounce", 1, "\"bouncedRecipients\":7"));
	happens(t,
	    event(t->mem, "Bounce", "bounce", 1,
		"\"bounceType\":\"Permanent\",\"bouncedRecipients\":[7,null,{}]"));
	happens(t, event(t->mem, "Send", "send", 500, ""));
	happens_to(t, 2, event(t->mem, "Send", "send", 1, ""));
	happens_to(t, 2, delivery(t->mem, 2));
	is_text(picture(t), before,
	    "what is unknown or another brand's changes nothing");
	happens(t, event(t->mem, "Reject", "reject", 2, "\"reason\":\"Bad content\""));
	is_int(state(t, 2), 5, "Reject takes an accepted mail back");
	happens(t, event(t->mem, "Send", "send", 2, ""));
	is_int(state(t, 2), 5, "and a late Send does not change that");
	happens(t,
	    event(t->mem, "Rendering Failure", "failure", 3,
		"\"templateName\":\"x\",\"errorMessage\":\"Attribute 'v1' is "
		"missing\""));
	is_int(state(t, 3), 5, "nor was a mail sent that could not be rendered");
	happens(t,
	    "{\"notificationType\":\"Bounce\",\"mail\":{\"messageId\":\"ses-6\","
	    "\"timestamp\":\"2026-11-24T10:00:00Z\"},\"bounce\":{\"bounceType\":"
	    "\"Permanent\",\"bounceSubType\":\"General\",\"feedbackId\":\"g\","
	    "\"bouncedRecipients\":[{\"emailAddress\":\"p6@x.test\"}]}}");
	is_int(number(t,
		   "SELECT count(*) FROM campaign_subscribers WHERE subscriber_id = $1"
		   " AND bounced_at > 0",
		   6),
	    1, "without tags the row is found by Amazon's id");
	happens_to(t, 2,
	    "{\"notificationType\":\"Bounce\",\"mail\":{\"messageId\":\"zz\","
	    "\"timestamp\":\"2026-11-24T10:00:00Z\"},\"bounce\":{\"bounceType\":"
	    "\"Permanent\",\"bounceSubType\":\"General\",\"feedbackId\":\"g\","
	    "\"bouncedRecipients\":[{\"emailAddress\":\"p1@x.test\"}]}}");
	is_int(number(t,
		   "SELECT count(*) FROM subscribers WHERE id = $1"
		   " AND status = 'bounced'",
		   99),
	    1, "a mail that is none of ours still stops mail to a dead address");
	is_int(active(t, 1), 1, "of that brand alone");
}

/* An event of row n, with its tag, that names other addresses. */
static char *of_another(void *mem, int n, const char *address)
{
	return event(mem, "Bounce", "bounce", n,
	    mem_printf(mem,
		"\"bounceType\":\"Permanent\",\"bounceSubType\":\"General\","
		"\"feedbackId\":\"o%d\",\"timestamp\":\"2026-11-24T10:00:00Z\","
		"\"bouncedRecipients\":[{\"emailAddress\":\"%s\","
		"\"status\":\"5.1.1\"}]",
		n, address));
}

static int64_t bounced(struct dbtest *t, int n, const char *text)
{
	STMT_SCOPE s = db_stmt_text(t->db,
	    "SELECT count(*) FROM campaign_subscribers WHERE subscriber_id = $1"
	    " AND bounced_at IS NOT NULL AND bounce = $2");

	stmt_bind_int(s, 1, n);
	stmt_bind_text(s, 2, text);
	return stmt_row(s) == OK ? stmt_int(s, 0) : -1;
}

/* A mail that was passed on: its events name whom it went to then. */
static void passed_on(struct dbtest *t)
{
	if (repo_prepare(t->db) != OK)
		ok(false, "all SQL is prepared");
	world(t);
	happens(t, of_another(t->mem, 2, "private@forward.example"));
	is_int(bounced(t, 2, "permanent General 5.1.1 at private@forward.example"), 1,
	    "a bounce that names another address stands on its row with that");
	is_int(active(t, 2), 0, "and the row's address gets no more mail");
	happens(t, of_another(t->mem, 2, "private@forward.example"));
	is_int(number(t, "SELECT count(*) FROM email_events WHERE subscriber_id = $1",
		   2),
	    1, "twice is once");
	happens(t, of_another(t->mem, 3, "<P3@x.test>"));
	is_int(bounced(t, 3, "permanent General 5.1.1"), 1,
	    "an address in angle brackets is that address");
	happens(t, of_another(t->mem, 6, "not an address"));
	is_int(bounced(t, 6, "permanent General 5.1.1 at not an address"), 1,
	    "what is no address is kept as it was said");
	happens(t, of_another(t->mem, 7, "p9@x.test"));
	is_int(active(t, 7) + active(t, 9), 0,
	    "whoever has the named address here gets no more mail either");
	happens(t,
	    event(t->mem, "Complaint", "complaint", 1,
		"\"complaintFeedbackType\":\"abuse\",\"feedbackId\":\"c9\","
		"\"timestamp\":\"2026-11-24T10:05:00.000Z\","
		"\"complainedRecipients\":[{\"emailAddress\":\"q@y.test\"}]"));
	is_int(number(t,
		   "SELECT count(*) FROM campaign_subscribers d JOIN email_events e"
		   " ON e.subscriber_id = d.subscriber_id WHERE d.subscriber_id = $1"
		   " AND d.complained_at > 0 AND e.detail = 'at q@y.test: abuse'",
		   1),
	    1, "so does a complaint");
	is_int(active(t, 1), 0, "that stops mail to the row's address");
}

/* xorshift: the same order in each run of a seed. */
static uint32_t next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

enum { EVENTS = 25, ORDERS = 40 };

static void all_events(void *mem, char **all)
{
	int n = 0;

	for (int i = 1; i <= PEOPLE; i++)
		all[n++] = event(mem, "Send", "send", i, "");
	all[n++] = delivery(mem, 1);
	all[n++] = delivery(mem, 2);
	all[n++] = delivery(mem, 4);
	all[n++] = delivery(mem, 8);
	all[n++] = bounce(mem, 2, "Permanent", "General", "f2");
	all[n++] = bounce(mem, 2, "Transient", "MailboxFull", "f2b");
	all[n++] = bounce(mem, 3, "Transient", "General", "f3");
	all[n++] = bounce(mem, 7, "Permanent", "Suppressed", "f7");
	all[n++] = complaint(mem, 2, "abuse", "c2");
	all[n++] = complaint(mem, 4, "fraud", "c4");
	all[n++] = event(mem, "Reject", "reject", 6, "\"reason\":\"Bad content\"");
	all[n++] =
	    event(mem, "Rendering Failure", "failure", 5, "\"errorMessage\":\"m\"");
	all[n++] = event(mem, "DeliveryDelay", "deliveryDelay", 9,
	    "\"delayType\":\"MailboxFull\",\"timestamp\":\"2026-11-24T10:00:09Z\","
	    "\"delayedRecipients\":[{\"emailAddress\":\"p9@x.test\"}]");
	if (n != EVENTS)
		ok(false, "there are %d events, not %d", n, (int)EVENTS);
}

static void any_order(struct dbtest *t)
{
	char *all[EVENTS], *first = NULL;
	struct ledger_verdict v;
	uint32_t seed = 20261124;
	int same = 0;

	if (repo_prepare(t->db) != OK)
		ok(false, "all SQL is prepared");
	all_events(t->mem, all);
	for (int k = 0; k < ORDERS; k++) {
		world(t);
		for (int i = EVENTS - 1; i > 0 && k > 0; i--) {
			int j = (int)(next(&seed) % (uint32_t)(i + 1));
			char *swap = all[i];

			all[i] = all[j];
			all[j] = swap;
		}
		for (int i = 0; i < EVENTS; i++)
			for (uint32_t again = next(&seed) % 3; again < 3; again++)
				happens(t, all[again == 1 ? i / 2 : i]);
		if (first == NULL)
			first = picture(t);
		same += strcmp(first, picture(t)) == 0;
		if (same != k + 1) {
			diag("first:\n%s\nthis:\n%s", first, picture(t));
			break;
		}
	}
	is_int(same, ORDERS, "%d orders with repetitions give one ledger", (int)ORDERS);
	ok(ledger_check(t->db, t->mem, 5, &v) == OK && v.n == 0, "which is good");
	for (size_t i = 0; i < v.n; i++)
		diag("%s: %s", v.faults[i].text, v.faults[i].example);
	is_int(dbtest_int(t->db, "SELECT count(*) FROM email_events"), EVENTS,
	    "each event once");
}

int main(void)
{
	dbtest_run(effects);
	dbtest_run(refused);
	dbtest_run(passed_on);
	dbtest_run(any_order);
	return done_testing();
}
