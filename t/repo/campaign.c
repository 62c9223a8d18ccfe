#include "repo/campaign.h"

#include <string.h>

#include "base/mem.h"
#include "dbtest.h"
#include "repo/outbox.h"
#include "repo/recipient.h"
#include "tap.h"

static const char people[] =
    "INSERT INTO brands (id, name, hook_token, created_at, updated_at) VALUES"
    " (1, 'One', 'h1', 1, 1), (2, 'Two', 'h2', 1, 1);"
    "INSERT INTO lists (id, brand_id, name, created_at, updated_at) VALUES"
    " (1, 1, 'News', 1, 1), (2, 1, 'Brew', 1, 1), (3, 1, 'Staff', 1, 1), (4, 2, "
    "'Other', 1, 1);"
    "INSERT INTO subscribers (id, brand_id, email, email_key, status, first_name, "
    "created_at,"
    " updated_at) VALUES"
    " (1, 1, 'a@x.de', 'a@x.de', 'active', 'Anna', 1, 1), (2, 1, 'b@x.de', 'b@x.de', "
    "'active', '', 1, 1),"
    " (3, 1, 'c@x.de', 'c@x.de', 'unsubscribed', '', 1, 1), (4, 1, 'd@x.de', 'd@x.de', "
    "'active', '', 1, 1),"
    " (5, 1, 'e@x.de', 'e@x.de', 'active', '', 1, 1), (6, 2, 'f@x.de', 'f@x.de', "
    "'active', '', 1, 1);"
    "INSERT INTO list_subscribers (list_id, subscriber_id, created_at) VALUES"
    " (1, 1, 1), (1, 2, 1), (1, 3, 1), (1, 4, 1), (2, 1, 1), (2, 5, 1), (3, 2, 1), (4, "
    "6, 1);"
    "INSERT INTO suppressions (brand_id, email_key, reason, created_at) VALUES"
    " (1, 'd@x.de', 'bounced', 1);";

static struct campaign *draft(struct dbtest *t, const char *name)
{
	struct campaign *c = mem_new(t->mem, struct campaign);

	*c = (struct campaign){
		.brand_id = 1,
		.name = name,
		.subject = "Hello 100%",
		.preview_text = "",
		.html = "<p>Hi</p>",
		.text = "",
		.from_name = "",
		.from_email = "n@x.de",
		.reply_to = "",
		.track_opens = true,
		.on_doubt = DOUBT_EVIDENCE,
	};
	c->lists = mem_array(c, int64_t, 2);
	c->lists[0] = 1;
	c->lists[1] = 2;
	c->nlists = 2;
	c->exclude_lists = mem_array(c, int64_t, 1);
	c->exclude_lists[0] = 3;
	c->nexclude_lists = 1;
	return c;
}

static void test_draft(struct dbtest *t)
{
	struct campaign *c = draft(t, "First"), *got, *stale;

	dbtest_script(t->db, people);
	is_int(campaign_insert(t->db, c, 0, 50), OK, "campaign_insert writes a draft");
	is_int(campaign_get(t->db, t->mem, 1, c->id, &got), OK,
	    "campaign_get finds it");
	is_text(got->subject, "Hello 100%", "with its subject");
	is_text(got->html, "<p>Hi</p>", "with its HTML");
	ok(got->track_opens && !got->track_clicks, "with its switches");
	is_int(got->on_doubt, DOUBT_EVIDENCE, "with its policy on doubt");
	is_int((int64_t)got->nlists, 2, "with its lists");
	is_int(got->exclude_lists[0], 3, "and the list to leave out");
	is_int(campaign_get(t->db, t->mem, 2, c->id, &got), ERR_NOTFOUND,
	    "campaign_get hides it from another brand");
	is_int(campaign_get(t->db, t->mem, 1, c->id, &stale), OK,
	    "a second editor reads it");
	c->subject = "Changed";
	c->nlists = 1;
	is_int(campaign_update(t->db, c, 60), OK, "campaign_update saves");
	is_int(c->version, 2, "and raises the version");
	stale->subject = "Lost";
	stale->nlists = 0;
	is_int(campaign_update(t->db, stale, 70), ERR_CONFLICT,
	    "campaign_update refuses an old version");
	is_int(campaign_get(t->db, t->mem, 1, c->id, &got), OK,
	    "the row is still there");
	is_text(got->subject, "Changed", "the first save stands");
	is_int((int64_t)got->nlists, 1, "the refused save left the audience alone");
	c->lists[0] = 4;
	is_int(campaign_update(t->db, c, 80), ERR_NOTFOUND,
	    "campaign_update refuses a list of another brand");
	is_int(campaign_get(t->db, t->mem, 1, c->id, &got), OK, "and rolls back");
	is_int(got->version, 2, "to the version before");
	is_int(campaign_delete(t->db, 2, c->id), ERR_CONFLICT,
	    "campaign_delete of another brand fails");
	is_int(campaign_delete(t->db, 1, c->id), OK, "campaign_delete deletes a draft");
}

static void test_move(struct dbtest *t)
{
	struct campaign_step send = { .from = 1u << CAMPAIGN_DRAFT,
		.to = CAMPAIGN_SENDING,
		.send_at = 100,
		.zone = "" };
	struct campaign_step pause = { .from = 1u << CAMPAIGN_SENDING,
		.to = CAMPAIGN_PAUSED,
		.reason = "By Ines.",
		.send_at = -1 };
	struct campaign_step resume = { .from = 1u << CAMPAIGN_PAUSED,
		.to = CAMPAIGN_SENDING,
		.send_at = -1 };
	struct campaign_step stop = { .from = 1u << CAMPAIGN_SENDING,
		.to = CAMPAIGN_CANCELLED,
		.send_at = -1 };
	struct campaign *c = draft(t, "Moves"), *got;

	dbtest_script(t->db, people);
	is_int(campaign_insert(t->db, c, 0, 50), OK, "campaign_insert writes a draft");
	is_int(campaign_move(t->db, 2, c->id, &send, 100), ERR_CONFLICT,
	    "campaign_move of another brand fails");
	is_int(campaign_move(t->db, 1, c->id, &send, 100), OK,
	    "campaign_move starts it");
	is_int(campaign_move(t->db, 1, c->id, &send, 101), ERR_CONFLICT,
	    "campaign_move starts it only once");
	is_int(campaign_move(t->db, 1, c->id, &pause, 200), OK, "campaign_move pauses");
	is_int(campaign_get(t->db, t->mem, 1, c->id, &got), OK, "read again");
	is_int(got->status, CAMPAIGN_PAUSED, "it is paused");
	is_text(got->pause_reason, "By Ines.", "with the reason");
	is_int(got->send_at, 100, "and keeps its time");
	is_int(campaign_move(t->db, 1, c->id, &resume, 300), OK,
	    "campaign_move resumes");
	is_int(campaign_move(t->db, 1, c->id, &stop, 400), OK, "campaign_move cancels");
	is_int(campaign_get(t->db, t->mem, 1, c->id, &got), OK, "read again");
	is_text(got->pause_reason, "", "the reason is gone");
	is_int(got->started_at, 100, "started_at is the first start");
	is_int(got->finished_at, 400, "finished_at is the end");
	is_int(campaign_delete(t->db, 1, c->id), ERR_CONFLICT,
	    "only drafts can be deleted");
	is_int(campaign_update(t->db, c, 500), ERR_CONFLICT,
	    "only drafts can be changed");
}

static int64_t reach(struct dbtest *t, int64_t a, int64_t b, int64_t without)
{
	int64_t lists[2] = { a, b }, n = -1;
	struct campaign c = { .brand_id = 1,
		.lists = lists,
		.nlists = b != 0 ? 2 : 1,
		.exclude_lists = &without,
		.nexclude_lists = without != 0 };

	return campaign_reach(t->db, &c, &n) == OK ? n : -2;
}

static void test_reach(struct dbtest *t)
{
	int64_t n = -1;

	dbtest_script(t->db, people);
	is_int(reach(t, 1, 0, 0), 2,
	    "campaign_reach leaves out who left and who is suppressed");
	is_int(reach(t, 1, 2, 0), 3,
	    "campaign_reach counts a person on two lists once");
	is_int(reach(t, 1, 2, 3), 2, "campaign_reach leaves out an excluded list");
	is_int(reach(t, 4, 0, 0), 0,
	    "campaign_reach never counts another brand's people");
	is_int(campaign_reach(t->db, &(struct campaign){ .brand_id = 1 }, &n), OK,
	    "campaign_reach takes no list");
	is_int(n, 0, "as nobody");
}

static void make_four(struct dbtest *t)
{
	struct campaign_step send = { .from = 1u << CAMPAIGN_DRAFT,
		.to = CAMPAIGN_SENDING,
		.send_at = 100 };
	struct campaign *c;
	int i;

	for (i = 0; i < 4; i++) {
		c = draft(t, i == 2 ? "50% off" : mem_printf(t->mem, "Number %d", i));
		is_int(campaign_insert(t->db, c, 0, 50 + i), OK,
		    "campaign_insert number %d", i);
	}
	is_int(campaign_move(t->db, 1, c->id, &send, 100), OK, "the newest is sent");
	dbtest_script(t->db,
	    mem_printf(t->mem,
		"INSERT INTO campaign_counts (campaign_id, state, n) VALUES (%lld, 4, "
		"7), (%lld, 0, 3);"
		"INSERT INTO campaign_stats (campaign_id, delivered, opened) VALUES "
		"(%lld, 6, 2);",
		(long long)c->id, (long long)c->id, (long long)c->id));
}

static void test_page(struct dbtest *t)
{
	struct campaign_filter f = { .limit = 3 };
	struct campaign_line *l;
	struct campaign_recent recent = { 0 };
	int64_t tally[CAMPAIGN_STATUSES];
	size_t n;

	dbtest_script(t->db, people);
	make_four(t);
	is_int(campaign_page(t->db, t->mem, 1, &f, &l, &n), OK,
	    "campaign_page gives a page");
	is_int((int64_t)n, 3, "of the wanted length");
	is_text(l[0].c.name, "Number 3", "newest first");
	is_text(l[0].to, "Brew + News", "with its lists by name");
	is_text(l[0].without, "Staff", "and those left out");
	is_int(l[0].counts.audience, 10, "with its audience");
	is_int(l[0].counts.n[DELIVERY_ACCEPTED], 7, "and accepted mails");
	is_int(l[0].stats.opened, 2, "and people who opened");
	is_int(l[1].counts.audience, 0, "a draft has counted nothing");
	f.before = l[2].c.id;
	is_int(campaign_page(t->db, t->mem, 1, &f, &l, &n), OK,
	    "campaign_page goes on");
	is_int((int64_t)n, 1, "to the last");
	f = (struct campaign_filter){ .limit = 9, .statuses = 1u << CAMPAIGN_DRAFT };
	is_int(campaign_page(t->db, t->mem, 1, &f, &l, &n), OK,
	    "campaign_page by status");
	is_int((int64_t)n, 3, "gives the drafts");
	f = (struct campaign_filter){ .limit = 9, .search = "50%" };
	is_int(campaign_page(t->db, t->mem, 1, &f, &l, &n), OK,
	    "campaign_page by search");
	is_int((int64_t)n, 1, "takes %% literally");
	f = (struct campaign_filter){ .limit = 9, .list = 3 };
	is_int(campaign_page(t->db, t->mem, 1, &f, &l, &n), OK,
	    "campaign_page by list");
	is_int((int64_t)n, 0, "does not count lists left out");
	f = (struct campaign_filter){ .limit = 9 };
	is_int(campaign_page(t->db, t->mem, 2, &f, &l, &n), OK,
	    "campaign_page of another brand");
	is_int((int64_t)n, 0, "is empty");
	is_int(campaign_tally(t->db, 1, tally), OK, "campaign_tally counts");
	is_int(tally[CAMPAIGN_DRAFT], 3, "three drafts");
	is_int(tally[CAMPAIGN_SENDING], 1, "one sending");
	is_int(campaign_recent(t->db, 1, 90, &recent), OK, "campaign_recent sums");
	is_int(recent.accepted, 7, "the accepted mails");
	is_int(recent.opened, 2, "and the people who opened");
	is_int(campaign_recent(t->db, 1, 101, &recent), OK,
	    "campaign_recent looks at the time");
	is_int(recent.accepted, 0, "and counts none before it");
}

static const char ledger[] =
    "INSERT INTO campaigns (id, brand_id, name, created_at, updated_at) VALUES (9, 1, "
    "'L', 1, 1);"
    "INSERT INTO campaign_subscribers (id, campaign_id, subscriber_id, email_key,"
    " state, tries, reason, settled_at, next_try_at, message_id) VALUES"
    " (38654705665, 9, 1, 'a@x.de', 4, 1, '', 1000, NULL, 'm-1'),"
    " (38654705666, 9, 2, 'b@x.de', 5, 1, 'bad address', 2000, NULL, NULL),"
    " (38654705667, 9, 3, 'c@x.de', 4, 1, '', 3000, NULL, 'm-3'),"
    " (38654705668, 9, 4, 'd_@x.de', 3, 1, 'slow down', NULL, 5000, NULL),"
    " (38654705669, 9, 5, 'e@x.de', 5, 1, 'bad address', 4000, NULL, NULL);"
    "INSERT INTO send_cursors (campaign_id, next_id) VALUES (9, 38654705670);"
    "INSERT INTO send_attempts (campaign_id, delivery_id, try, started_at,"
    " finished_at, outcome) VALUES (9, 38654705666, 1, 1900, 2000, 5);";

static size_t found(struct dbtest *t, struct recipient_filter f, int64_t *first)
{
	struct recipient_rows page;

	if (f.limit == 0)
		f.limit = 50;
	is_int(recipient_page(t->db, t->mem, 9, &f, &page), OK,
	    "recipient_page answers");
	*first = page.n > 0 ? page.rows[0].d.id : 0;
	return page.n;
}

static void test_recipients(struct dbtest *t)
{
	struct recipient_filter f = { .limit = 2 };
	struct recipient_reason *why;
	struct recipient_rows page;
	int64_t first, seen = 0;
	size_t n, pages = 0;

	dbtest_script(t->db, people);
	dbtest_script(t->db, ledger);
	do {
		is_int(recipient_page(t->db, t->mem, 9, &f, &page), OK,
		    "recipient_page %zu", pages);
		seen += (int64_t)page.n;
		f.after = page.next;
	} while (page.next != 0 && ++pages < 9);
	is_int(seen, 5, "recipient_page gives every row once");
	is_int((int64_t)pages, 2, "in three pages");
	is_int((int64_t)found(t,
		   (struct recipient_filter){ .states = 1u << DELIVERY_ACCEPTED },
		   &first),
	    2, "recipient_page by state");
	is_int((int64_t)found(t, (struct recipient_filter){ .search = "D_" }, &first),
	    1, "recipient_page by part of the address, _ literally");
	is_int(first, 38654705668, "finds the one");
	is_int((int64_t)found(t, (struct recipient_filter){ .search = "m-3" }, &first),
	    1, "recipient_page by message id");
	is_int((int64_t)found(t, (struct recipient_filter){ .reason = "bad address" },
		   &first),
	    2, "recipient_page by reason");
	is_int((int64_t)found(t, (struct recipient_filter){ .bounced = true }, &first),
	    0, "recipient_page of bounced only");
	is_int(recipient_reasons(t->db, t->mem, 9, &why, &n), OK,
	    "recipient_reasons groups");
	is_int((int64_t)n, 2, "by state and reason");
	is_text(why[0].reason, "bad address", "the largest first");
	is_int(why[0].n, 2, "with how many");
	is_int(why[0].last_at, 4000, "and when last");
}

static void test_pace(struct dbtest *t)
{
	struct recipient_pace p;
	struct recipient *r;
	size_t n;

	dbtest_script(t->db, people);
	dbtest_script(t->db, ledger);
	is_int(recipient_pace(t->db, 9, 61500, &p), OK,
	    "recipient_pace looks back a minute");
	is_int(p.settled, 2, "and counts the attempts answered in it");
	is_int(p.span_ms, 60000, "of the whole minute");
	is_int(p.next_try_at, 5000, "and says when a row is tried again");
	is_int(p.step[PACE_STEPS - 3] + p.step[PACE_STEPS - 4], 3,
	    "every step is counted");
	is_int(recipient_latest(t->db, t->mem, 9, 5, &r, &n), OK,
	    "recipient_latest answers");
	is_int((int64_t)n, 2, "with the accepted");
	is_int(r[0].d.id, 38654705667, "newest first");
	is_text(r[1].name, "Anna", "with their names");
}

static void test_outbox(struct dbtest *t)
{
	struct outbox_message m = { .brand_id = 1,
		.campaign_id = 9,
		.delivery_id = 1,
		.tries = 1,
		.kind = "campaign",
		.from_header = "N <n@x.de>",
		.to_email = "a@x.de",
		.subject = "Hello",
		.headers = "[]",
		.html = "<p>",
		.text = "Hi",
		.created_at = 5 };
	struct outbox_filter f = { .limit = 10 };
	struct outbox_view v = { .brand = 1 }, all = { 1, true }, other = { 2, true };
	struct outbox_message *got;
	int64_t newer, older, count;
	size_t n;

	dbtest_script(t->db, people);
	dbtest_script(t->db, ledger);
	is_int(outbox_insert(t->db, &m), OK, "outbox_insert keeps a message");
	is_int(outbox_insert(t->db, &m), ERR_CONFLICT,
	    "outbox_insert keeps a try once");
	m.delivery_id = m.campaign_id = m.tries = 0;
	m.subject = "Test";
	is_int(outbox_insert(t->db, &m), OK, "outbox_insert keeps a test without one");
	is_int(outbox_page(t->db, t->mem, &v, &f, &got, &n), OK, "outbox_page answers");
	is_int((int64_t)n, 2, "with both");
	is_text(got[0].subject, "Test", "newest first");
	is_text(got[1].campaign_name, "L", "and the campaign's name");
	f.campaign = 9;
	is_int(outbox_page(t->db, t->mem, &v, &f, &got, &n), OK,
	    "outbox_page by campaign");
	is_int((int64_t)n, 1, "gives its own");
	is_int(outbox_beside(t->db, &v, got[0].id, &newer, &older), OK,
	    "outbox_beside answers");
	ok(newer == m.id && older == 0, "with the neighbours");
	is_int(outbox_get(t->db, t->mem, &other, m.id, &got), ERR_NOTFOUND,
	    "another brand's is hidden");
	is_int(outbox_get(t->db, t->mem, &v, m.id, &got), OK, "outbox_get finds it");
	is_text(got->html, "<p>", "with its HTML");
	is_int(outbox_count(t->db, &v, &count), OK, "outbox_count counts");
	is_int(count, 2, "both");
	m.kind = "system";
	ok(outbox_insert(t->db, &m) == OK, "a mail of the installation's own");
	ok(outbox_count(t->db, &v, &count) == OK && count == 2,
	    "is not counted for just anybody");
	f.campaign = 0;
	ok(outbox_page(t->db, t->mem, &v, &f, &got, &n) == OK && n == 2, "nor listed");
	is_int(outbox_get(t->db, t->mem, &v, m.id, &got), ERR_NOTFOUND, "nor shown");
	ok(outbox_beside(t->db, &v, m.id - 1, &newer, &older) == OK && newer == 0,
	    "nor beside another");
	is_int(outbox_get(t->db, t->mem, &all, m.id, &got), OK,
	    "who may see them does");
	ok(outbox_page(t->db, t->mem, &all, &f, &got, &n) == OK && n == 3,
	    "and finds them listed");
}

int main(void)
{
	dbtest_run(test_draft);
	dbtest_run(test_move);
	dbtest_run(test_reach);
	dbtest_run(test_page);
	dbtest_run(test_recipients);
	dbtest_run(test_pace);
	dbtest_run(test_outbox);
	return done_testing();
}
