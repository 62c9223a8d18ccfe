#include "tap.h"

#include "base/mem.h"
#include "dbtest.h"
#include "repo/campaign.h"
#include "repo/event.h"
#include "repo/report.h"
#include "service/judge.h"

enum { HOUR_MS = 3600000 };

static const char *const world =
    "INSERT INTO brands (id, name, hook_token, created_at, updated_at) VALUES (1, 'B', "
    "'h', 0, 0);"
    "INSERT INTO campaigns (id, brand_id, name, created_at, updated_at) VALUES (5, 1, "
    "'C', 0, 0);"
    "INSERT INTO campaign_links (campaign_id, number, url) VALUES (5, 1, "
    "'https://one.example/');"
    "INSERT INTO campaign_links (campaign_id, number, url) VALUES (5, 2, "
    "'https://two.example/');"
    "INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id, email_key)"
    " VALUES (21474836481, 5, 11, 'a@x.example'),"
    " (21474836482, 5, 12, 'b@x.example');";

/* One after the other, slowly enough for a person. */
static void happens(struct db *db, enum event_type type, int64_t who, bool machine,
    int link)
{
	static int64_t seconds;
	struct event ev = {
		.campaign_id = 5,
		.subscriber_id = who,
		.type = type,
		.reason = machine ? MACHINE_PROGRAM : MACHINE_NOT,
		.link = link,
		.client = machine ? "Scanner" : "Gmail",
		.at = 10 * HOUR_MS + ++seconds * 5000,
	};

	ok(judge_event(db, &ev) == OK, "judge_event takes event %d of %d", type,
	    (int)who);
}

static void opens(struct dbtest *t)
{
	struct campaign_stats s;

	dbtest_script(t->db, world);
	happens(t->db, EVENT_OPEN, 11, true, 0);
	ok(campaign_stats_get(t->db, 5, &s) == OK, "reads the rollup");
	is_int(s.machine_opened, 1, "counts a machine apart");
	is_int(s.opened, 0, "and not as a person");
	happens(t->db, EVENT_OPEN, 11, false, 0);
	happens(t->db, EVENT_OPEN, 11, false, 0);
	ok(campaign_stats_get(t->db, 5, &s) == OK, "reads the rollup");
	is_int(s.opened, 1, "counts a person once");
	is_int(s.opens, 2, "and every open");
	is_int(s.machine_opened, 0, "who then is no longer machine only");
	is_int(s.machine_opens, 1, "while the machine's open stays");
	is_int(dbtest_int(t->db,
		   "SELECT people FROM campaign_clients WHERE client = 'Gmail'"),
	    1, "names the client once");
}

static void clicks(struct dbtest *t)
{
	struct campaign_stats s;
	struct report_link *l;
	struct report_hour *h;
	size_t n = 0;

	dbtest_script(t->db, world);
	happens(t->db, EVENT_CLICK, 11, false, 2);
	happens(t->db, EVENT_CLICK, 11, false, 2);
	happens(t->db, EVENT_CLICK, 11, false, 1);
	happens(t->db, EVENT_CLICK, 12, false, 2);
	happens(t->db, EVENT_CLICK, 12, true, 1);
	ok(campaign_stats_get(t->db, 5, &s) == OK, "reads the rollup");
	is_int(s.clicked, 2, "counts people who clicked once each");
	is_int(s.clicks, 4, "and all clicks by people");
	is_int(s.machine_clicks, 1, "and those by machines");
	is_int(s.machine_clicked, 0,
	    "not as machine only, for they clicked themselves");
	is_int(s.opened, 2, "takes a person's click as proof of the open");
	ok(report_links(t->db, t->mem, 5, 10, &l, &n) == OK && n == 2,
	    "report_links lists both");
	is_int(l[0].number, 2, "the most followed first");
	is_int(l[0].people, 2, "with people counted once a link");
	is_int(l[0].clicks, 3, "and every click");
	is_int(l[1].machines, 1, "and machines");
	ok(report_hours(t->db, t->mem, 5, 0, &h, &n) == OK && n == 1,
	    "report_hours lists");
	is_int(h[0].hour, 10 * (int64_t)HOUR_MS, "the hour");
	is_int(h[0].clicked, 2, "with first clicks");
}

static void odd(struct dbtest *t)
{
	struct event nobody = { .campaign_id = 5,
		.subscriber_id = 99,
		.type = EVENT_OPEN };
	int64_t at = -1;

	dbtest_script(t->db, world);
	ok(judge_event(t->db, &nobody) == OK, "drops an event of nobody");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM email_events"), 0,
	    "and stores nothing");
	happens(t->db, EVENT_OPEN, 11, false, 0);
	happens(t->db, EVENT_CLICK, 11, false, 1);
	is_int(dbtest_int(t->db, "SELECT count(*) FROM email_events"), 2,
	    "while both of somebody are kept");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM email_events WHERE brand_id = 1"),
	    2, "for the brand of the campaign");
	ok(spool_position(t->db, "f", &at) == OK && at == 0,
	    "spool_position begins at 0");
	ok(spool_set_position(t->db, "f", 80, 1) == OK &&
		spool_set_position(t->db, "f", 120, 2) == OK &&
		spool_position(t->db, "f", &at) == OK,
	    "is kept");
	is_int(at, 120, "at the last value");
	ok(spool_forget(t->db, "f") == OK && spool_position(t->db, "f", &at) == OK &&
		at == 0,
	    "and forgotten");
}

int main(void)
{
	dbtest_run(opens);
	dbtest_run(clicks);
	dbtest_run(odd);
	return done_testing();
}
