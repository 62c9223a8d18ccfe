/*
 * People and machines: what a set of opens and clicks comes to, in whatever order it is
 * read; what later rules change.
 */
#include "service/judge.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "dbtest.h"
#include "repo/campaign.h"
#include "repo/event_check.h"
#include "repo/event.h"
#include "repo/timeline.h"
#include "tap.h"

enum { HOUR_MS = 3600000, T = 10 * HOUR_MS, SENT = T - 60000, HISTORIES = 40 };

static const char browser[] = "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, "
			      "like Gecko) Chrome/57.0.2987.133 Safari/537.36";
static const char gmail[] = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 "
			    "(via ggpht.com GoogleImageProxy)";
static const char cubot[] = "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) "
			    "AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36";
static const char robot[] = "Mozilla/5.0 (compatible; Googlebot/2.1)";

/* Campaign 5 with four links, 6 with two, 7 with one; three people each. */
static void make_world(struct db *db)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "world");

	dbtest_script(db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at) VALUES "
	    "(1, 'B', 'h', 0, 0);");
	for (int c = 5; c <= 7; c++) {
		dbtest_script(db,
		    mem_printf(tmp,
			"INSERT INTO campaigns (id, brand_id, name, audience,"
			" created_at, updated_at) VALUES (%d, 1, 'C', 3, 0, 0);",
			c));
		for (int i = 1; i <= (c == 5 ? 4 : 8 - c); i++)
			dbtest_script(db,
			    mem_printf(tmp,
				"INSERT INTO campaign_links (campaign_id, number, url)"
				" VALUES (%d, %d, 'https://x.example/%d')",
				c, i, i));
		for (int i = 1; i <= 3; i++)
			dbtest_script(db,
			    mem_printf(tmp,
				"INSERT INTO campaign_subscribers (id, campaign_id,"
				" subscriber_id, email_key, settled_at) VALUES"
				" (%d, %d, %d, 'p%d', %d)",
				10 * c + i, c, i, i, SENT));
	}
}

static void happens(struct db *db, const struct event *what)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin_keyed(db, &tx);

	if (e == OK)
		e = judge_event(db, what);
	if (e == OK)
		e = tx_commit(&tx);
	if (e != OK)
		ok(false, "an event is judged: %s", err_name(e));
}

static struct event click(int campaign, int link, int64_t at, const char *agent)
{
	return (struct event){ .campaign_id = campaign,
		.subscriber_id = 1,
		.type = EVENT_CLICK,
		.link = link,
		.agent = agent,
		.at = at };
}

static struct event opening(int campaign, int64_t at, const char *agent)
{
	return (struct event){ .campaign_id = campaign,
		.subscriber_id = 1,
		.type = EVENT_OPEN,
		.agent = agent,
		.at = at };
}

static void say(struct db *db, struct event ev)
{
	happens(db, &ev);
}

static struct campaign_stats stats(struct db *db, int64_t campaign)
{
	struct campaign_stats s = { 0 };

	ok(campaign_stats_get(db, campaign, &s) == OK, "the figures are read");
	return s;
}

static void adds_up(struct dbtest *t, const char *when)
{
	struct event_verdict v = { 0 };
	enum err e = event_check(t->db, t->mem, 0, JUDGE_RULES, &v);

	ok(e == OK && v.n == 0, "%s: everything adds up", when);
	for (size_t i = 0; i < v.n; i++)
		diag("%s: %s", v.faults[i].text, v.faults[i].example);
}

/* ---- one by one ---- */

static void telephone(struct dbtest *t)
{
	struct campaign_stats s;

	make_world(t->db);
	say(t->db, opening(5, T, cubot));
	say(t->db, click(5, 1, T + 5000, cubot));
	s = stats(t->db, 5);
	is_int(s.opened, 1, "a Cubot opens as a person");
	is_int(s.clicked, 1, "and clicks as one");
	is_int(dbtest_int(t->db,
		   "SELECT people FROM campaign_clients WHERE client = 'Android'"),
	    1, "with Android");
	say(t->db, click(5, 2, T + 60000, robot));
	is_int(dbtest_int(t->db, "SELECT reason FROM email_events WHERE link = 2"),
	    MACHINE_PROGRAM, "a robot is kept with its reason");
	is_int(dbtest_int(t->db, "SELECT rules FROM email_events WHERE link = 2"),
	    JUDGE_RULES, "and the version of the rules");
	adds_up(t, "a telephone and a robot");
}

static void click_alone(struct dbtest *t)
{
	struct campaign_stats s;

	make_world(t->db);
	say(t->db, click(7, 1, T, browser));
	s = stats(t->db, 7);
	is_int(s.opened, 1, "a click without a picture proves an open");
	is_int(s.opens, 1, "which is an open");
	say(t->db, opening(7, T + 9000, browser));
	s = stats(t->db, 7);
	is_int(s.opens, 1, "the picture that comes later is the same open");
	say(t->db, opening(7, T + 19000, browser));
	is_int(stats(t->db, 7).opens, 2, "the next one is another");
	adds_up(t, "a click alone");
}

/* Case: a gateway that poses as a browser follows all links before anybody reads. */
static void gateway(struct dbtest *t)
{
	struct campaign_stats s;

	make_world(t->db);
	say(t->db, opening(5, T - 300, browser));
	say(t->db, click(5, 1, T, browser));
	say(t->db, click(5, 2, T + 200, browser));
	s = stats(t->db, 5);
	is_int(s.clicked, 1, "two clicks of four links may be a person's");
	is_int(s.clicks, 2, "so far");
	say(t->db, click(5, 3, T + 900, browser));
	s = stats(t->db, 5);
	is_int(s.clicked, 0, "a third within a second shows a machine");
	is_int(s.opened, 0, "which has opened nothing for a person");
	is_int(s.clicks + s.opens, 0, "and nothing is left as a person's");
	is_int(s.machine_clicks, 3, "all of it is a machine's");
	is_int(s.machine_opened + s.machine_clicked, 2, "who is a machine only");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM email_events WHERE reason = 5"),
	    4, "for the reason that is kept");
	is_int(dbtest_int(t->db, "SELECT sum(people + clicks) FROM campaign_links"), 0,
	    "no link was followed by a person");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM campaign_clients"), 0,
	    "nobody reads with anything");
	adds_up(t, "a gateway");
	say(t->db, opening(5, T + HOUR_MS, gmail));
	say(t->db, click(5, 2, T + HOUR_MS + 4000, browser));
	s = stats(t->db, 5);
	is_int(s.opened, 1, "the person who comes later is counted");
	is_int(s.clicked, 1, "and the click");
	is_int(s.machine_opened + s.machine_clicked, 0, "no more a machine only");
	adds_up(t, "a person after the gateway");
}

static void small_mails(struct dbtest *t)
{
	make_world(t->db);
	say(t->db, click(6, 1, T, browser));
	say(t->db, click(6, 2, T + 1001, browser));
	is_int(stats(t->db, 6).clicks, 2, "both of two links in more than a second");
	say(t->db, click(6, 1, T + 2001, browser));
	is_int(stats(t->db, 6).clicks, 1, "both within a second are a burst");
	for (int i = 0; i < 4; i++)
		say(t->db, click(7, 1, T + i, browser));
	is_int(stats(t->db, 7).clicks, 4, "the only link may be clicked impatiently");
	adds_up(t, "small mails");
}

static void at_delivery(struct dbtest *t)
{
	make_world(t->db);
	say(t->db, opening(5, SENT + 2000, gmail));
	is_int(stats(t->db, 5).opened, 0, "Gmail's fetch at delivery is no open");
	is_int(dbtest_int(t->db, "SELECT reason FROM email_events"), MACHINE_DELIVERY,
	    "for that reason");
	say(t->db, opening(5, SENT + 60000, gmail));
	is_int(stats(t->db, 5).opened, 1, "a minute later it is one");
	adds_up(t, "Gmail");
}

/* ---- any order ---- */

/* All that is shown, as text. */
static char *picture(struct dbtest *t, void *mem)
{
	static const char *const sql[] = {
		"SELECT subscriber_id || ' ' || coalesce(opened_at, 0) || ' ' ||"
		" coalesce(clicked_at, 0) || ' ' || coalesce(machine_opened_at, 0) ||"
		" ' ' || coalesce(machine_clicked_at, 0) FROM campaign_subscribers"
		" ORDER BY campaign_id, subscriber_id",
		"SELECT campaign_id || ' ' || opened || ' ' || opens || ' ' ||"
		" machine_opened || ' ' || machine_opens || ' ' || clicked || ' ' ||"
		" clicks || ' ' || machine_clicked || ' ' || machine_clicks || ' ' ||"
		" click_opened || ' ' || last_event_at FROM campaign_stats"
		" ORDER BY campaign_id",
		"SELECT campaign_id || ' ' || hour || ' ' || opened || ' ' ||"
		" machine_opened || ' ' || clicked FROM campaign_hours"
		" ORDER BY campaign_id, hour",
		"SELECT campaign_id || client || people FROM campaign_clients"
		" ORDER BY campaign_id, client",
		"SELECT campaign_id || ' ' || number || ' ' || people || ' ' ||"
		" clicks || ' ' || machines FROM campaign_links"
		" ORDER BY campaign_id, number",
		"SELECT campaign_id || ' ' || subscriber_id || ' ' || at || ' ' ||"
		" type || ' ' || link || ' ' || reason || ' ' || machine"
		" FROM email_events ORDER BY campaign_id, subscriber_id, at, type, "
		"link,"
		" client, reason",
	};
	struct buf *b = buf_new(mem);

	for (size_t i = 0; i < sizeof(sql) / sizeof(*sql); i++) {
		STMT_SCOPE s = db_stmt_text(t->db, sql[i]);

		while (stmt_next(s))
			buf_printf(b, "%s\n", stmt_text(s, 0));
	}
	return b->data;
}

static void forget_all(struct db *db)
{
	dbtest_script(db,
	    "DELETE FROM email_events; DELETE FROM campaign_stats;"
	    "DELETE FROM campaign_hours; DELETE FROM campaign_clients;"
	    "UPDATE campaign_links SET people = 0, clicks = 0, machines = 0;"
	    "UPDATE campaign_subscribers SET opened_at = NULL, clicked_at = NULL,"
	    " machine_opened_at = NULL, machine_clicked_at = NULL;");
}

enum { EVENTS = 14 };

static void invent(struct event *ev, unsigned *seed)
{
	static const char *const agents[] = { browser, gmail, cubot, robot };

	for (int i = 0; i < EVENTS; i++) {
		/* steps of 250 ms over some seconds: many at the edge of a burst */
		int64_t at = T + 250 * (int64_t)(rand_r(seed) % 16);
		int campaign = 5 + rand_r(seed) % 5 / 2;

		if (rand_r(seed) % 8 == 0)
			at += 2 * HOUR_MS;
		ev[i] = rand_r(seed) % 3 == 0
		    ? opening(campaign, at, agents[rand_r(seed) % 4])
		    : click(campaign,
			  1 + rand_r(seed) % (campaign == 5 ? 4 : 8 - campaign), at,
			  agents[rand_r(seed) % 4]);
		ev[i].subscriber_id = 1 + rand_r(seed) % 2;
	}
}

static void shuffle(struct event *ev, unsigned *seed)
{
	for (int i = EVENTS - 1; i > 0; i--) {
		int k = rand_r(seed) % (i + 1);
		struct event x = ev[i];

		ev[i] = ev[k];
		ev[k] = x;
	}
}

static enum err judge_all(struct db *db, int rows, struct judge_report *r)
{
	enum err e = OK;

	*r = (struct judge_report){ .more = true };
	while (e == OK && r->more)
		e = judge_history(db, 1, rows, r);
	return e;
}

static void any_order(struct dbtest *t)
{
	struct event ev[EVENTS];
	struct judge_report r;
	unsigned seed = 20261130;
	int same = 0, again = 0, good = 0, bursts = 0;

	make_world(t->db);
	for (int i = 0; i < HISTORIES; i++) {
		MEM_SCOPE void *tmp = mem_scope(NULL, "history");
		struct event_verdict v;
		char *first = NULL;

		invent(ev, &seed);
		for (int k = 0; k < 3; k++) {
			char *now;

			forget_all(t->db);
			for (int n = 0; n < EVENTS; n++)
				happens(t->db, &ev[n]);
			now = picture(t, tmp);
			same += first == NULL || strcmp(first, now) == 0;
			first = first ? first : now;
			shuffle(ev, &seed);
		}
		good += event_check(t->db, tmp, 0, JUDGE_RULES, &v) == OK && v.n == 0;
		bursts += dbtest_int(t->db,
			      "SELECT count(*) FROM email_events WHERE reason = 5") > 0;
		dbtest_script(t->db,
		    "UPDATE email_events SET rules = 0; DELETE FROM judgements;");
		again += judge_all(t->db, 5, &r) == OK && r.changed == 0 &&
		    strcmp(first, picture(t, tmp)) == 0;
	}
	ok(bursts > HISTORIES / 4 && bursts < HISTORIES, "%d histories have bursts",
	    bursts);
	is_int(same, 3 * HISTORIES, "the order of events makes no difference");
	is_int(good, HISTORIES, "all of them add up");
	is_int(again, HISTORIES, "and judging them again changes nothing");
}

/* ---- the history ---- */

/* As a version before these rules has left it. */
static void old_world(struct dbtest *t)
{
	make_world(t->db);
	for (int i = 1; i <= 3; i++)
		say(t->db, click(5, i, T + 2000 * i, browser));
	say(t->db, opening(6, SENT + HOUR_MS, gmail));
	dbtest_script(t->db,
	    "UPDATE email_events SET at = 36000000 + link, rules = 0, agent_id = NULL,"
	    " sent_ms = NULL WHERE campaign_id = 5;"
	    "UPDATE campaign_subscribers SET opened_at = 36000001,"
	    " clicked_at = 36000001 WHERE campaign_id = 5 AND subscriber_id = 1;"
	    "UPDATE email_events SET at = 35940001, rules = 0, sent_ms = NULL"
	    " WHERE campaign_id = 6;"
	    "UPDATE campaign_subscribers SET opened_at = 35940001"
	    " WHERE campaign_id = 6 AND subscriber_id = 1;"
	    "UPDATE campaign_hours SET hour = 9 WHERE campaign_id = 6;");
	adds_up(t, "an old history");
}

static void history(struct dbtest *t)
{
	struct judge_report r;
	struct campaign_stats s;

	old_world(t);
	ok(judge_all(t->db, 1, &r) == OK, "the history is judged again");
	is_int(r.looked, 4, "all of it");
	is_int(r.changed, 4, "three clicks of a burst, and a fetch at delivery");
	s = stats(t->db, 5);
	is_int(s.clicks + s.clicked + s.opened, 0, "the burst is a machine's");
	is_int(s.machine_clicks, 3, "all of it");
	is_int(stats(t->db, 6).machine_opened, 1, "and so is the fetch");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM email_events WHERE rules = 1"),
	    4, "by these rules");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM judgements WHERE finished_at IS NOT NULL"),
	    1, "which is noted");
	adds_up(t, "judged again");
	ok(judge_all(t->db, 1, &r) == OK && r.looked == 0 && r.changed == 0,
	    "a second time there is nothing to do");
}

/* One who is killed leaves a part; the next goes on. */
static void killed(struct dbtest *t)
{
	struct judge_report r = { 0 };
	int status;
	pid_t pid;

	old_world(t);
	pid = fork();
	if (pid == 0) {
		struct db *db;
		TX_SCOPE tx = { 0 };
		int64_t changed = 0;

		if (db_open(t->mem, t->url, t->log, &db) != OK ||
		    judge_history(db, 1, 2, &r) != OK || tx_begin(db, &tx) != OK ||
		    judge_recipient(db, 6, 1, &changed) != OK)
			_exit(1);
		_exit(0); /* in the middle of the next */
	}
	ok(waitpid(pid, &status, 0) == pid && status == 0, "one ends in the middle");
	is_int(dbtest_int(t->db, "SELECT event_id FROM judgements"),
	    dbtest_int(t->db,
		"SELECT max(id) FROM (SELECT id FROM email_events ORDER BY id LIMIT 2)"
		" x"),
	    "its first two are judged");
	adds_up(t, "in the middle");
	ok(judge_all(t->db, 2, &r) == OK, "the next one goes on");
	is_int(r.looked, 2, "with the others");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM email_events WHERE rules = 1"),
	    4, "and all are judged");
	adds_up(t, "at the end");
}

/* ---- the timeline ---- */

static void timeline(struct dbtest *t)
{
	struct json_object *all = NULL;
	int64_t last = INT64_MAX;
	bool sorted = true;

	make_world(t->db);
	dbtest_script(t->db,
	    "INSERT INTO subscribers (id, brand_id, email, email_key, status,"
	    " created_at, updated_at) VALUES (1, 1, 'p1', 'p1', 'active', 0, 0);"
	    "UPDATE campaign_subscribers SET settled_at = 36030500 + campaign_id;");
	for (int i = 0; i < 60; i++)
		say(t->db, opening(5, T + (i * 37) % 61 * 1000, browser));
	ok(timeline_read(t->db, t->mem, 1, 1, &all) == OK, "a timeline is read");
	is_int((long)json_object_array_length(all), TIMELINE_MAX, "of so many");
	for (size_t i = 0; i < json_object_array_length(all); i++) {
		struct json_object *at = NULL;
		int64_t ms = 0;

		json_object_object_get_ex(json_object_array_get_idx(all, i), "at", &at);
		sorted = sorted &&
		    time_parse_rfc3339(json_object_get_string(at), &ms) && ms <= last;
		last = ms;
	}
	ok(sorted, "the newest first, mails and events together");
}

int main(void)
{
	dbtest_run(telephone);
	dbtest_run(click_alone);
	dbtest_run(gateway);
	dbtest_run(small_mails);
	dbtest_run(at_delivery);
	dbtest_run(any_order);
	dbtest_run(history);
	dbtest_run(killed);
	dbtest_run(timeline);
	return done_testing();
}
