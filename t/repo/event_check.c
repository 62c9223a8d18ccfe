/* check events is silent about good numbers and names each thing that is planted. */
#include "repo/event_check.h"

#include <string.h>

#include "base/mem.h"
#include "dbtest.h"
#include "repo/event.h"
#include "service/judge.h"
#include "tap.h"

struct plant {
	const char *text; /* a part of what is expected */
	const char *sql;
};

#define SET(what) "UPDATE campaign_stats SET " what ";"

static const struct plant plants[] = {
	{ "A figure", SET("opened = opened + 1") },
	{ "A figure", SET("opens = opens + 1") },
	{ "A figure", SET("machine_opened = machine_opened + 1") },
	{ "A figure", SET("machine_opens = machine_opens - 1") },
	{ "A figure", SET("clicked = clicked + 1") },
	{ "A figure", SET("clicks = clicks + 1") },
	{ "A figure", SET("machine_clicked = machine_clicked + 1") },
	{ "A figure", SET("machine_clicks = machine_clicks + 1") },
	{ "A figure", SET("click_opened = click_opened + 1") },
	{ "A figure", SET("delivered = 1") },
	{ "A figure", "DELETE FROM campaign_stats;" },
	{ "first open or click",
	    "UPDATE campaign_subscribers SET opened_at = opened_at + 1"
	    " WHERE subscriber_id = 1;" },
	{ "first open or click",
	    "UPDATE campaign_subscribers SET clicked_at = NULL"
	    " WHERE subscriber_id = 2;" },
	{ "first open or click",
	    "UPDATE campaign_subscribers SET machine_opened_at = 5"
	    " WHERE subscriber_id = 1;" },
	{ "first open or click",
	    "UPDATE campaign_subscribers SET machine_clicked_at = 5"
	    " WHERE subscriber_id = 1;" },
	{ "An hour", "UPDATE campaign_hours SET opened = opened + 1;" },
	{ "An hour", "UPDATE campaign_hours SET machine_opened = 9;" },
	{ "An hour", "UPDATE campaign_hours SET clicked = clicked + 1;" },
	{ "An hour", "DELETE FROM campaign_hours;" },
	{ "mail clients",
	    "UPDATE campaign_clients SET client = 'Other' WHERE client = 'Firefox';" },
	{ "mail clients", "UPDATE campaign_clients SET people = people + 1;" },
	{ "A link", "UPDATE campaign_links SET people = people + 1;" },
	{ "A link", "UPDATE campaign_links SET clicks = clicks + 1;" },
	{ "A link", "UPDATE campaign_links SET machines = machines + 1;" },
	{ "contradict", SET("click_opened = 0") },
	{ "contradict", SET("clicks = 0") },
	{ "contradict", SET("clicked = 9") },
	{ "contradict", SET("machine_opens = 0") },
	{ "contradict", SET("machine_clicked = 9") },
	{ "contradict", SET("delivered = 9") },
	{ "contradict", SET("opened = 9") },
	{ "contradict", SET("soft_bounced = 9") },
	{ "contradict", SET("complained = 9") },
	{ "contradict", SET("unsubscribed = 9") },
	{ "contradict", "UPDATE campaigns SET started_at = 9, finished_at = 8;" },
	{ "contradict", "UPDATE campaign_links SET people = clicks + 1;" },
	{ "without a reason", "UPDATE email_events SET reason = 0 WHERE machine = 1;" },
	{ "without a reason", "UPDATE email_events SET reason = 5 WHERE machine = 0;" },
	{ "without a reason", "UPDATE email_events SET reason = 9 WHERE machine = 1;" },
};

static void happens(struct db *db, int who, enum event_type type, const char *agent,
    int64_t at)
{
	struct event ev = { .campaign_id = 5,
		.subscriber_id = who,
		.type = type,
		.link = type == EVENT_CLICK,
		.agent = agent,
		.at = at };

	ok(judge_event(db, &ev) == OK, "an event of %d", who);
}

/* One opened, one clicked without a picture, one is opened by a machine. */
static void world(struct db *db)
{
	dbtest_script(db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at) VALUES "
	    "(1, 'B', 'h', 0, 0);"
	    "INSERT INTO campaigns (id, brand_id, name, audience, created_at,"
	    " updated_at) VALUES (5, 1, 'C', 3, 0, 0);"
	    "INSERT INTO campaign_links (campaign_id, number, url) VALUES"
	    " (5, 1, 'https://one.example/');"
	    "INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id,"
	    " email_key) VALUES (1, 5, 1, 'a'), (2, 5, 2, 'b'), (3, 5, 3, 'c');");
	happens(db, 1, EVENT_OPEN, "Thunderbird/115", 7200000);
	happens(db, 2, EVENT_CLICK, "Firefox/128", 7300000);
	happens(db, 3, EVENT_OPEN, "Mozilla/5.0", 7400000);
}

static bool named(const struct event_verdict *v, const char *text)
{
	for (size_t i = 0; i < v->n; i++)
		if (strstr(v->faults[i].text, text) != NULL)
			return true;
	return false;
}

static void planted(struct dbtest *t)
{
	struct event_verdict v;

	world(t->db);
	ok(event_check(t->db, t->mem, 0, JUDGE_RULES, &v) == OK && v.n == 0,
	    "good numbers add up");
	is_int(v.events, 3, "of three events");
	for (size_t i = 0; i < sizeof(plants) / sizeof(*plants); i++) {
		TX_SCOPE tx = { 0 };

		ok(tx_begin(t->db, &tx) == OK, "a transaction begins");
		dbtest_script(t->db, plants[i].sql);
		ok(event_check(t->db, t->mem, 5, JUDGE_RULES, &v) == OK &&
			named(&v, plants[i].text),
		    "it finds %s", plants[i].sql);
	}
	ok(event_check(t->db, t->mem, 5, JUDGE_RULES, &v) == OK && v.n == 0,
	    "after all they add up again");
	ok(event_check(t->db, t->mem, 6, JUDGE_RULES, &v) == ERR_NOTFOUND,
	    "a campaign that is none is not found");
	ok(event_check(t->db, t->mem, 5, JUDGE_RULES + 1, &v) == OK && v.older == 3,
	    "later rules find older judgements");
}

int main(void)
{
	dbtest_run(planted);
	return done_testing();
}
