/* The checker is silent about a good ledger and names each thing that is planted. */
#include "repo/ledger_check.h"

#include <string.h>

#include "base/mem.h"
#include "service/judge.h"
#include "send/slice.h"
#include "sendtest.h"
#include "service/ses_event.h"
#include "tap.h"

struct plant {
	const char *rule, *text; /* expected; text: a part */
	const char *sql;
};

#define ROW3 "(SELECT id FROM campaign_subscribers WHERE subscriber_id = 3)"
/* As if the row of person 3 were begun for the first time; deliveries: "[3],[3]". */
#define BATCH(owner, left, deliveries)                                                 \
	"UPDATE campaign_subscribers SET state = 0, tries = 0 WHERE subscriber_id = "  \
	"3;"                                                                           \
	"INSERT INTO send_batches (campaign_id, owner, started_at, left_open,"         \
	"   deliveries) SELECT 5, " owner ", 1, " left ","                             \
	"   '[' || replace('" deliveries "', '3', CAST(id AS TEXT) || ',1') || ']'"    \
	" FROM campaign_subscribers WHERE subscriber_id = 3;"
/* From one number in campaign 5 to another. */
#define LEASE(from, to)                                                                \
	"INSERT INTO send_leases (campaign_id, next_id, to_id, owner) VALUES"          \
	" (5, 21474836480 + " from ", 21474836480 + " to ", 'w');"
#define ATTEMPT(try, outcome)                                                          \
	"INSERT INTO send_attempts (campaign_id, delivery_id, try, started_at,"        \
	"   finished_at, outcome) SELECT 5, " ROW3 ", " try ", 1, 1, " outcome ";"

static const struct plant plants[] = {
	{ "I4", "count of a state",
	    "UPDATE campaign_counts SET n = n + 1 WHERE state = 4;" },
	{ "I4", "count of a state",
	    "INSERT INTO campaign_counts (campaign_id, state, n) VALUES (5, 9, 1);" },
	{ "I2", "audience is not",
	    "DELETE FROM campaign_subscribers WHERE subscriber_id = 3;" },
	{ "I2", "audience is not", "UPDATE campaigns SET audience = audience - 1;" },
	{ "I2", "still open",
	    "UPDATE campaign_subscribers SET state = 3 WHERE subscriber_id = 3;" },
	{ "I2", "never complete", "UPDATE campaigns SET frozen_at = NULL;" },
	{ "I2", "no known state",
	    "UPDATE campaign_subscribers SET state = 12 WHERE subscriber_id = 3;" },
	{ "I2", "no known state",
	    "UPDATE campaign_subscribers SET state = 1 WHERE subscriber_id = 3;" },
	{ "I2", "of another campaign",
	    "UPDATE campaign_subscribers SET id = 7 WHERE subscriber_id = 3;" },
	{ "I2", "waits for its time",
	    "UPDATE campaign_subscribers SET next_try_at = 7 WHERE subscriber_id = "
	    "3;" },
	{ "I2", "as if they were not",
	    "UPDATE campaign_subscribers SET state = 0 WHERE subscriber_id = 3;" },
	{ "I5", "in no batch",
	    "UPDATE campaign_subscribers SET state = 2 WHERE subscriber_id = 3;" },
	{ "I5", "in more than one", BATCH("'w'", "2", "[3],[3]") },
	{ "I5", "left open", BATCH("'w'", "2", "[3]") },
	{ "I5", "left open", BATCH("NULL", "1", "[3]") },
	{ "I5", "left open", BATCH("'w'", "0", "") },
	{ "I1", "begun once more",
	    BATCH("'w'", "1", "[3]") "UPDATE send_cursors SET next_id = 1;" },
	{ "I1", "begun once more", BATCH("'w'", "1", "[3]") LEASE("0", "31") },
	{ "I1", "leased twice", LEASE("4", "9") LEASE("8", "12") },
	{ "I1", "leased twice", LEASE("4", "4") },
	{ "I1", "leased twice", LEASE("4", "99") },
	{ "I5", "without an attempt", "DELETE FROM send_attempts;" },
	{ "I5", "something else", "UPDATE send_attempts SET outcome = 7;" },
	{ "I5", "something else", ATTEMPT("1", "7") },
	{ "I5", "something else", ATTEMPT("1", "5") },
	{ "I5", "something else",
	    ATTEMPT("1", "4") "UPDATE campaign_subscribers SET state = 3,"
			      " next_try_at = 1 WHERE subscriber_id = 3;" },
	{ "I5", "tries",
	    "UPDATE campaign_subscribers SET tries = 2 WHERE subscriber_id = 3;" },
	{ "I5", "without an attempt",
	    "UPDATE campaign_subscribers SET tries = 0 WHERE subscriber_id = 3;" },
	{ "I5", "More refusals",
	    "UPDATE campaign_subscribers SET refusals = 2 WHERE subscriber_id = 3;" },
	{ "I5", "no recipient",
	    "INSERT INTO send_attempts (campaign_id, delivery_id, try, started_at,"
	    "   finished_at, outcome) VALUES (5, 99999, 1, 1, 1, 7);" },
	{ "I5", "no recipient", ATTEMPT("2", "3") },
	{ "I1", "more often", ATTEMPT("1", "4") ATTEMPT("2", "7") },
	{ "I1", "counted as not sent",
	    ATTEMPT("1", "7") "UPDATE campaign_subscribers SET state = 6"
			      " WHERE subscriber_id = 3;" },
	{ "I1", "counted as not sent",
	    ATTEMPT("1", "4") "UPDATE campaign_subscribers SET state = 8"
			      " WHERE subscriber_id = 3;" },
	{ "I1", "sent again", "UPDATE campaigns SET resends = 1;" },
	{ "I1", "sent again", "UPDATE send_attempts SET resent_at = 1;" },
	{ "I12", "recipients belong",
	    "UPDATE subscribers SET brand_id = 2 WHERE id = 3;" },
	{ "I12", "lists belong", "UPDATE lists SET brand_id = 2;" },
	{ "I12", "events belong",
	    "INSERT INTO email_events (brand_id, campaign_id, subscriber_id, type, at)"
	    " VALUES (2, 5, 3, 4, 1);" },
	{ "I12", "outbox",
	    "UPDATE outbox_messages SET brand_id = 2 WHERE id ="
	    " (SELECT min(id) FROM outbox_messages);" },
	{ "I4", "figure of the report",
	    "UPDATE campaign_stats SET opens = opens + 1;" },
	{ "I4", "figure of the report",
	    "UPDATE campaign_stats SET delivered = delivered + 1;" },
	{ "I4", "figure of the report", "UPDATE campaign_stats SET bounced = 2;" },
	{ "I4", "figure of the report", "UPDATE campaign_stats SET soft_bounced = 0;" },
	{ "I4", "figure of the report", "UPDATE campaign_stats SET complained = 9;" },
	{ "I4", "figure of the report", "UPDATE campaign_stats SET opened = 0;" },
	{ "I4", "figure of the report", "UPDATE campaign_stats SET clicked = 0;" },
	{ "I4", "figure of the report",
	    "UPDATE campaign_stats SET machine_opened = 0;" },
	{ "I4", "figure of the report", "DELETE FROM campaign_stats;" },
	{ "I4", "figure of the report",
	    "UPDATE campaign_subscribers SET clicked_at = 1 WHERE subscriber_id = 3;" },
	{ "I4", "delivery of these",
	    "DELETE FROM email_events WHERE type = 5 AND subscriber_id = 1;" },
	{ "I4", "delivery of these",
	    "UPDATE campaign_subscribers SET delivered_at = NULL"
	    " WHERE subscriber_id = 1;" },
	{ "I4", "bounce of these", "DELETE FROM email_events WHERE type = 6;" },
	{ "I4", "bounce of these", "DELETE FROM email_events WHERE type = 7;" },
	{ "I4", "bounce of these",
	    "UPDATE campaign_subscribers SET bounce = 'transient General'"
	    " WHERE subscriber_id = 2;" },
	{ "I4", "bounce of these",
	    "UPDATE campaign_subscribers SET bounced_at = NULL"
	    " WHERE subscriber_id = 2;" },
	{ "I4", "complaint of these", "DELETE FROM email_events WHERE type = 8;" },
	{ "I4", "complaint of these",
	    "UPDATE campaign_subscribers SET complained_at = 1"
	    " WHERE subscriber_id = 6;" },
	{ "I4", "opens of these",
	    "UPDATE campaign_subscribers SET opened_at = NULL WHERE subscriber_id = "
	    "7;" },
	{ "I4", "opens of these", "DELETE FROM email_events WHERE machine = 1;" },
	{ "I4", "clicks of these",
	    "DELETE FROM email_events WHERE type = 2 AND machine = 0;" },
	{ "I11", "no attempt is settled",
	    "UPDATE campaign_subscribers SET state = 0, tries = 0"
	    " WHERE subscriber_id = 1;" },
	{ "I4", "nobody in the audience",
	    "UPDATE email_events SET subscriber_id = 999 WHERE subscriber_id = 1;" },
	{ "I4", "clicks of a link", "UPDATE campaign_links SET clicks = 7;" },
	{ "I4", "clicks of a link", "UPDATE campaign_links SET people = 7;" },
	{ "I4", "clicks of a link", "UPDATE campaign_links SET machines = 7;" },
	{ "I4", "curve", "UPDATE campaign_hours SET opened = opened + 1;" },
	{ "I4", "curve", "DELETE FROM campaign_hours;" },
	{ "I4", "curve", "UPDATE campaign_clients SET people = people + 1;" },
};

/* ---- what happened to the mails ---- */

/* Amazon tells of person n; part: its own object. */
static void tell(struct dbtest *t, int n, const char *type, const char *part)
{
	const char *kind;
	const struct ses_notice notice = {
		.brand_id = 1,
		.now = 2000,
		.text = mem_printf(t->mem,
		    "{\"eventType\":\"%s\",\"mail\":{\"messageId\":\"m%d\","
		    "\"timestamp\":\"2026-11-24T10:00:00Z\",\"tags\":"
		    "{\"maillayer_delivery\":[\"%lld-1\"]}},%s}",
		    type, n,
		    (long long)dbtest_int(t->db,
			mem_printf(t->mem,
			    "SELECT id FROM campaign_subscribers"
			    " WHERE subscriber_id = %d",
			    n)),
		    part),
	};

	ok(ses_event_apply(t->db, t->mem, &notice, &kind) == OK, "%s of p%d", type, n);
}

static void record(struct dbtest *t, int n, enum event_type type, bool machine)
{
	struct event ev = { .campaign_id = 5,
		.subscriber_id = n,
		.type = type,
		.reason = machine ? MACHINE_PROGRAM : MACHINE_NOT,
		.link = type == EVENT_CLICK,
		.client = "Gmail",
		.at = 7200000 + n };

	ok(judge_event(t->db, &ev) == OK, "an open or click of p%d", n);
}

static void happen(struct dbtest *t)
{
	dbtest_script(t->db,
	    "INSERT INTO campaign_links (campaign_id, number, url)"
	    " VALUES (5, 1, 'https://shop.test/') ON CONFLICT DO NOTHING;");
	tell(t, 1, "Send", "\"send\":{}");
	tell(t, 1, "Delivery", "\"delivery\":{\"recipients\":[\"p1@x.test\"]}");
	tell(t, 2, "Bounce",
	    "\"bounce\":{\"bounceType\":\"Transient\",\"bounceSubType\":\"General\","
	    "\"feedbackId\":\"a\",\"bouncedRecipients\":"
	    "[{\"emailAddress\":\"p2@x.test\"}]}");
	tell(t, 2, "Bounce",
	    "\"bounce\":{\"bounceType\":\"Permanent\",\"bounceSubType\":\"General\","
	    "\"feedbackId\":\"b\",\"bouncedRecipients\":"
	    "[{\"emailAddress\":\"p2@x.test\"}]}");
	tell(t, 3, "Bounce",
	    "\"bounce\":{\"bounceType\":\"Undetermined\",\"bounceSubType\":"
	    "\"Undetermined\",\"bouncedRecipients\":"
	    "[{\"emailAddress\":\"p3@x.test\"}]}");
	tell(t, 4, "Bounce",
	    "\"bounce\":{\"bounceType\":\"Permanent\",\"bounceSubType\":"
	    "\"Suppressed\",\"bouncedRecipients\":"
	    "[{\"emailAddress\":\"p4@x.test\"}]}");
	tell(t, 5, "Complaint",
	    "\"complaint\":{\"complaintFeedbackType\":\"abuse\","
	    "\"complainedRecipients\":[{\"emailAddress\":\"p5@x.test\"}]}");
	tell(t, 6, "Complaint",
	    "\"complaint\":{\"complaintFeedbackType\":\"abuse\","
	    "\"complaintSubType\":\"OnAccountSuppressionList\","
	    "\"complainedRecipients\":[{\"emailAddress\":\"p6@x.test\"}]}");
	tell(t, 10, "Reject", "\"reject\":{\"reason\":\"Bad content\"}");
	record(t, 7, EVENT_OPEN, true);
	record(t, 7, EVENT_CLICK, false);
	record(t, 7, EVENT_CLICK, false);
	record(t, 8, EVENT_OPEN, true);
	record(t, 8, EVENT_CLICK, true);
	record(t, 9, EVENT_OPEN, false);
	record(t, 9, EVENT_OPEN, true);
}

static bool names(const struct ledger_verdict *v, const struct plant *p)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->faults[i].rule, p->rule) == 0 && v->faults[i].n > 0 &&
		    strstr(v->faults[i].text, p->text))
			return true;
	return false;
}

static void try_plant(struct dbtest *t, const struct plant *p)
{
	struct ledger_verdict v;
	TX_SCOPE tx = { 0 };

	ok(tx_begin(t->db, &tx) == OK, "a fault is planted");
	dbtest_script(t->db, p->sql);
	ok(ledger_check(t->db, t->mem, 5, &v) == OK && names(&v, p),
	    "it is found: %s (%s)", p->text, p->rule);
}

static void test_check(struct dbtest *t)
{
	struct ledger_verdict v;
	struct work_report r;
	bool adds_up = false;

	sendtest_people(t, 30);
	dbtest_script(t->db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (2, 'Other', 'i', 1, 1);");
	ok(slice_run(sendtest_app(t, ""), 20000, &r) == OK && r.done == 30,
	    "thirty are sent");
	happen(t);
	ok(ledger_check(t->db, t->mem, 0, &v) == OK && v.n == 0,
	    "ledger_check finds nothing in a good ledger");
	for (size_t i = 0; i < v.n; i++)
		diag("%s: %s", v.faults[i].text, v.faults[i].example);
	is_int(v.campaigns, 1, "ledger_check looks at the campaign");
	is_int(v.rows, 30, "ledger_check looks at its rows");
	for (size_t i = 0; i < sizeof(plants) / sizeof(*plants); i++)
		try_plant(t, &plants[i]);
	ok(ledger_check(t->db, t->mem, 6, &v) == ERR_NOTFOUND,
	    "ledger_check says when there is no such campaign");
	ok(ledger_adds_up(t->db, 5, &adds_up) == OK && adds_up, "the sum is right");
	dbtest_script(t->db, "UPDATE campaign_counts SET n = n - 1 WHERE state = 4;");
	ok(ledger_adds_up(t->db, 5, &adds_up) == OK && !adds_up,
	    "a count that is wrong is seen");
	dbtest_script(t->db, "UPDATE campaign_counts SET n = 1 WHERE state = 0;");
	ok(ledger_adds_up(t->db, 5, &adds_up) == OK && !adds_up,
	    "a completed campaign with open rows is seen");
}

/* While another one writes: no writer waits, and nothing is reported. */
static void test_live(struct dbtest *t)
{
	struct ledger_verdict v;
	struct db *other = dbtest_connect(t);
	TX_SCOPE tx = { 0 };

	sendtest_people(t, 3);
	sendtest_app(t, "");
	ok(tx_begin(other, &tx) == OK, "another one writes");
	dbtest_script(other, "UPDATE campaigns SET audience = 9 WHERE id = 5;");
	ok(ledger_check(t->db, t->mem, 5, &v) == OK && v.n == 0,
	    "ledger_check neither waits for it nor sees half of its work");
	ok(tx_commit(&tx) == OK, "the other one commits");
	ok(ledger_check(t->db, t->mem, 5, &v) == OK && v.n == 1,
	    "then ledger_check sees it");
}

int main(void)
{
	dbtest_run(test_check);
	dbtest_run(test_live);
	return done_testing();
}
