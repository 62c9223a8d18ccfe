#include "repo/ledger_check.h"

#include "base/mem.h"
#include "repo/ledger_attempt.h"

/*
 * A rule's statement gives lines of (how many, an example) for campaign $1; a line with
 * 0 is no fault.
 */
struct rule {
	const char *sql, *name, *text;
};

/* Two counts of the same: lines of (name, told, found) that differ. */
#define DIFFER(lines)                                                                  \
	"SELECT CAST(abs(sum(told) - sum(found)) AS BIGINT),"                          \
	"   name || ': ' || CAST(sum(told) AS TEXT) || ' counted, ' ||"                \
	"   CAST(sum(found) AS TEXT) || ' found'"                                      \
	" FROM (" lines ") x WHERE name IS NOT NULL GROUP BY name"                     \
	" HAVING sum(told) <> sum(found) ORDER BY name"
#define STATE_NAME(state)                                                              \
	"CASE " state                                                                  \
	" WHEN 0 THEN 'pending' WHEN 1 THEN 'claimed' WHEN 2 THEN 'intent'"            \
	" WHEN 3 THEN 'retry' WHEN 4 THEN 'accepted' WHEN 5 THEN 'rejected'"           \
	" WHEN 6 THEN 'skipped' WHEN 7 THEN 'doubt' WHEN 8 THEN 'cancelled'"           \
	" WHEN 9 THEN 'given_up' ELSE 'unknown' END"
#define TOLD(name, column)                                                             \
	"SELECT '" name "' AS name, " column " AS told, 0 AS found"                    \
	" FROM campaign_stats WHERE campaign_id = $1 UNION ALL "
#define FOUND(name, what)                                                              \
	"SELECT '" name "', 0, count(*) FROM campaign_subscribers"                     \
	" WHERE campaign_id = $1 AND " what
#define HAPPENED(name, what)                                                           \
	"SELECT '" name "', 0, count(*) FROM email_events"                             \
	" WHERE campaign_id = $1 AND " what
/* By person and not by campaign: those of one are few. */
#define OF_ROW                                                                         \
	" FROM email_events v WHERE v.subscriber_id = d.subscriber_id"                 \
	" AND +v.campaign_id = d.campaign_id AND "
#define HEARD(what) "EXISTS (SELECT 1" OF_ROW what ")"
#define BOUNCED(what, transient)                                                       \
	" CASE WHEN " what " LIKE 'permanent%' THEN 3"                                 \
	" WHEN " what " LIKE 'suppressed%' THEN 2 WHEN " transient                     \
	" THEN 1 ELSE 0 END"
#define ATTEMPT_OF_ROW "SELECT 1 FROM send_attempts a WHERE a.delivery_id = d.id"
/* Accepted at once: the row itself is the attempt. */
#define AT_ONCE "d.state = 4 AND d.tries = 1 AND NOT EXISTS (" ATTEMPT_OF_ROW ")"
#define NOT_SETTLED "+d.tries < o.try AND +d.state IN (0, 2)"
#define ROWS_THAT(what)                                                                \
	"SELECT count(*), min(d.email_key) FROM campaign_subscribers d"                \
	" JOIN campaigns c ON c.id = d.campaign_id WHERE d.campaign_id = $1 AND " what

/* clang-format off */
static const struct rule rules[] = {
	{ DIFFER("SELECT " STATE_NAME("state") " AS name, n AS told, 0 AS found"
		 "  FROM campaign_counts WHERE campaign_id = $1 UNION ALL"
		 " SELECT " STATE_NAME("r.state") ", 0, r.n FROM"
		 "  (SELECT " STATE_OF_D " AS state, count(*) AS n"
		 "    FROM campaign_subscribers d" CURSOR_OF_D
		 "   WHERE d.campaign_id = $1 GROUP BY 1) r"),
	    "I4", "The count of a state is not the number of its rows" },
	{ DIFFER("SELECT 'audience' AS name, audience AS told, 0 AS found"
		 "  FROM campaigns WHERE id = $1 UNION ALL"
		 " SELECT 'audience', 0, count(*) FROM campaign_subscribers"
		 "  WHERE campaign_id = $1"),
	    "I2", "The audience is not the number of rows" },
	{ ROWS_THAT("c.status = 'completed' AND d.state < 4"), "I2",
	    "The campaign is completed, but these are still open" },
	{ "SELECT count(*), '' FROM campaigns WHERE id = $1 AND frozen_at IS NULL"
	  "   AND status = 'completed'",
	    "I2", "The campaign is completed, but its audience was never complete" },
	{ ROWS_THAT("d.state NOT BETWEEN 0 AND 9 OR d.state = 1"), "I2",
	    "These have no known state" },
	{ ROWS_THAT("NOT (" OF_CAMPAIGN("d", "$1") ")"), "I2",
	    "These stand among the rows of another campaign" },
	{ ROWS_THAT("(d.next_try_at IS NOT NULL) <> (d.state = 3)"), "I2",
	    "A row waits for its time exactly while it is to be tried again; not these" },
	{ ROWS_THAT("d.state = 0 AND d.tries > 0"), "I2",
	    "These were tried, and wait as if they were not" },
	{ "SELECT count(*), min(d.email_key) FROM campaign_subscribers d" CURSOR_OF_D
	  " WHERE d.campaign_id = $1 AND " STATE_OF_D " = 2 AND 1 <> (SELECT count(*)"
	  "   FROM " IN_OPEN_BATCHES("$1") " o WHERE o.delivery = d.id"
	  "     AND o.try = d.tries + 1)",
	    "I5", "These are under way, and in no batch or in more than one" },
	{ "SELECT count(*), min(d.email_key) FROM " IN_OPEN_BATCHES("$1") " o"
	  "  JOIN campaign_subscribers d ON d.id = o.delivery AND " NOT_SETTLED
	  "  JOIN send_cursors u ON u.campaign_id = $1"
	  " WHERE d.id >= u.next_id OR d.campaign_id <> $1 OR d.state = 0 AND EXISTS"
	  "  (SELECT 1 FROM send_leases l WHERE l.campaign_id = $1"
	  "    AND d.id >= l.next_id AND d.id < l.to_id)",
	    "I1", "These are under way, and may be begun once more" },
	{ "SELECT count(*), CAST(min(l.next_id) AS TEXT) FROM send_leases l"
	  "  LEFT JOIN send_cursors u ON u.campaign_id = $1"
	  " WHERE l.campaign_id = $1 AND (l.next_id >= l.to_id OR u.next_id IS NULL"
	  "   OR l.to_id > u.next_id OR l.next_id < " FIRST_ID("$1") " OR EXISTS"
	  "  (SELECT 1 FROM send_leases o WHERE o.campaign_id = $1 AND o.id <> l.id"
	  "    AND o.next_id < l.to_id AND l.next_id < o.to_id))",
	    "I1", "These ranges are leased twice, or were never to be leased" },
	{ "SELECT count(*), CAST(min(b.id) AS TEXT) FROM send_batches b"
	  " WHERE b.campaign_id = $1 AND b.left_open <> (SELECT count(*)"
	  "   FROM " IN_OPEN_BATCHES("$1") " o JOIN campaign_subscribers d"
	  "     ON d.id = o.delivery AND " NOT_SETTLED " WHERE o.batch = b.id)"
	  "  OR b.campaign_id = $1 AND (b.owner IS NULL) <> (b.left_open = 0)",
	    "I5", "What these batches have left open is not what has no result" },
	{ ROWS_THAT("d.state IN (4, 5, 7, 9) AND NOT (" AT_ONCE ") AND NOT EXISTS ("
		    ATTEMPT_OF_ROW ")"),
	    "I5", "These were handed over without an attempt written down" },
	{ ROWS_THAT("CASE d.state WHEN 4 THEN NOT (" AT_ONCE ") AND NOT EXISTS ("
		    ATTEMPT_OF_ROW " AND a.outcome = 4)"
		    " WHEN 5 THEN NOT EXISTS (" ATTEMPT_OF_ROW " AND a.outcome = 5)"
		    "   OR EXISTS (" ATTEMPT_OF_ROW " AND a.outcome IN (4, 7))"
		    " WHEN 7 THEN NOT EXISTS (" ATTEMPT_OF_ROW " AND a.outcome = 7)"
		    "   OR EXISTS (" ATTEMPT_OF_ROW " AND a.outcome = 4)"
		    " WHEN 9 THEN NOT EXISTS (" ATTEMPT_OF_ROW " AND a.outcome IN (3, 7))"
		    "   OR EXISTS (" ATTEMPT_OF_ROW " AND a.outcome = 4)"
		    " WHEN 3 THEN EXISTS (" ATTEMPT_OF_ROW " AND a.outcome = 4)"
		    " ELSE 1 = 0 END"),
	    "I5", "The attempts of these say something else than their state" },
	{ ROWS_THAT("d.tries <> (SELECT count(*) FROM send_attempts a"
		    "   WHERE a.delivery_id = d.id) AND NOT (" AT_ONCE ")"),
	    "I5", "The tries of these are not the number of their attempts" },
	{ ROWS_THAT("d.refusals > (SELECT count(*) FROM send_attempts a"
		    "   WHERE a.delivery_id = d.id AND a.cause = 1)"),
	    "I5", "More refusals are counted of these than were about them" },
	{ "SELECT count(*), CAST(min(a.id) AS TEXT) FROM send_attempts a"
	  " WHERE a.campaign_id = $1 AND NOT EXISTS (SELECT 1 FROM"
	  "   campaign_subscribers d"
	  "   WHERE d.id = a.delivery_id AND d.campaign_id = $1 AND a.try <= d.tries)",
	    "I5", "These attempts belong to no recipient" },
	{ ROWS_THAT("0 < (SELECT"
		    "     sum(CASE WHEN a.outcome IN (4, 7) THEN 1 ELSE 0 END)"
		    "     - 1 - count(a.resent_at)"
		    "   FROM send_attempts a WHERE a.delivery_id = d.id)"
		    "   + CASE WHEN d.state = 2 THEN 1 ELSE 0 END"),
	    "I1", "These may have got the mail more often than was decided" },
	{ ROWS_THAT("d.state IN (6, 8) AND EXISTS (" ATTEMPT_OF_ROW
		    " AND a.outcome IN (4, 7))"),
	    "I1", "These may have got the mail, and are counted as not sent" },
	{ ROWS_THAT("d.state NOT IN (2, 4) AND EXISTS (" ATTEMPT_OF_ROW
		    " AND a.outcome = 4)"),
	    "I1", "An attempt of these was accepted, but they are not" },
	{ DIFFER("SELECT 'sent again' AS name, resends AS told, 0 AS found"
		 "  FROM campaigns WHERE id = $1 UNION ALL"
		 " SELECT 'sent again', 0, count(a.resent_at)"
		 "  FROM campaign_subscribers d"
		 "  JOIN send_attempts a ON a.delivery_id = d.id"
		 "  WHERE d.campaign_id = $1"),
	    "I1", "The number of mails sent again is not what was decided" },
	{ ROWS_THAT("EXISTS (SELECT 1 FROM subscribers s WHERE s.id = d.subscriber_id"
		    "   AND s.brand_id <> c.brand_id)"),
	    "I12", "These recipients belong to another brand" },
	{ "SELECT count(*), min(l.name) FROM campaign_audience a"
	  "   JOIN campaigns c ON c.id = a.campaign_id JOIN lists l ON l.id = a.list_id"
	  " WHERE c.id = $1 AND l.brand_id <> c.brand_id",
	    "I12", "These lists belong to another brand" },
	{ "SELECT count(*), CAST(min(v.id) AS TEXT) FROM email_events v"
	  "   JOIN campaigns c ON c.id = v.campaign_id"
	  " WHERE v.campaign_id = $1 AND v.brand_id <> c.brand_id",
	    "I12", "These events belong to another brand" },
	{ "SELECT count(*), min(m.to_email) FROM outbox_messages m"
	  "   JOIN campaigns c ON c.id = m.campaign_id"
	  " WHERE m.campaign_id = $1 AND m.brand_id <> c.brand_id",
	    "I12", "These mails of the outbox belong to another brand" },
	{ DIFFER(TOLD("delivered", "delivered") TOLD("bounced", "bounced")
		     TOLD("bounced for now", "soft_bounced")
		     TOLD("complained", "complained")
		     TOLD("opened", "opened") TOLD("clicked", "clicked")
		     TOLD("opened by machines only", "machine_opened")
		     TOLD("clicked by machines only", "machine_clicked")
		     TOLD("unsubscribed", "unsubscribed")
		     TOLD("opens", "opens") TOLD("opens by machines", "machine_opens")
		     TOLD("clicks", "clicks")
		     TOLD("clicks by machines", "machine_clicks")
	    FOUND("delivered", "delivered_at IS NOT NULL") " UNION ALL "
	    FOUND("bounced", "bounce LIKE 'permanent%'") " UNION ALL "
	    FOUND("bounced for now", "bounce <> '' AND bounce NOT LIKE"
		" 'permanent%' AND bounce NOT LIKE 'suppressed%'") " UNION ALL "
	    FOUND("complained", "complained_at IS NOT NULL") " UNION ALL "
	    FOUND("opened", "opened_at IS NOT NULL") " UNION ALL "
	    FOUND("clicked", "clicked_at IS NOT NULL") " UNION ALL "
	    FOUND("opened by machines only",
		"machine_opened_at IS NOT NULL AND opened_at IS NULL") " UNION ALL "
	    FOUND("clicked by machines only",
		"machine_clicked_at IS NOT NULL AND clicked_at IS NULL") " UNION ALL "
	    FOUND("unsubscribed", "unsubscribed_at IS NOT NULL") " UNION ALL "
	    HAPPENED("opens", "type = 1 AND machine = 0") " UNION ALL "
	    HAPPENED("opens by machines", "type = 1 AND machine = 1") " UNION ALL "
	    HAPPENED("clicks", "type = 2 AND machine = 0") " UNION ALL "
	    HAPPENED("clicks by machines", "type = 2 AND machine = 1")),
	    "I4", "A figure of the report is not what the events say" },
	{ ROWS_THAT("(d.delivered_at IS NOT NULL) <> " HEARD("v.type = 5")), "I4",
	    "The delivery of these is not what the events say" },
	{ ROWS_THAT(BOUNCED("d.bounce", "d.bounce <> ''") " <> coalesce((SELECT max("
		    BOUNCED("v.detail", "1 = 1") ")" OF_ROW "v.type IN (6, 7)), 0)"
		    " OR (d.bounced_at IS NOT NULL) <> (d.bounce <> '')"),
	    "I4", "The bounce of these is not what the events say" },
	{ ROWS_THAT("(d.complained_at IS NOT NULL) <> "
		    HEARD("v.type = 8 AND v.detail <> 'OnAccountSuppressionList'")),
	    "I4", "The complaint of these is not what the events say" },
	{ ROWS_THAT("((d.opened_at IS NOT NULL) <> "
		    HEARD("v.type IN (1, 2) AND v.machine = 0")
		    " OR (d.machine_opened_at IS NOT NULL) <> "
		    HEARD("v.type = 1 AND v.machine = 1") ")"),
	    "I4", "The opens of these are not what the events say" },
	{ ROWS_THAT("((d.clicked_at IS NOT NULL) <> "
		    HEARD("v.type = 2 AND v.machine = 0")
		    " OR (d.machine_clicked_at IS NOT NULL) <> "
		    HEARD("v.type = 2 AND v.machine = 1") ")"),
	    "I4", "The clicks of these are not what the events say" },
	{ ROWS_THAT("(d.delivered_at IS NOT NULL OR d.bounce <> ''"
		    "   OR d.complained_at IS NOT NULL) AND NOT (" AT_ONCE ") AND NOT EXISTS ("
		    ATTEMPT_OF_ROW " AND a.outcome IN (4, 5))"),
	    "I11", "The provider told of these, but no attempt is settled by it" },
	{ "SELECT count(*), CAST(min(v.subscriber_id) AS TEXT) FROM email_events v"
	  " WHERE v.campaign_id = $1 AND NOT EXISTS (SELECT 1 FROM"
	  "   campaign_subscribers d WHERE d.campaign_id = $1"
	  "   AND d.subscriber_id = v.subscriber_id)",
	    "I4", "These events are of nobody in the audience" },
	{ DIFFER("SELECT 'link ' || CAST(number AS TEXT) || ': clicks' AS name,"
		 "   clicks AS told, 0 AS found"
		 "  FROM campaign_links WHERE campaign_id = $1 UNION ALL"
		 " SELECT 'link ' || CAST(number AS TEXT) || ': people', people, 0"
		 "  FROM campaign_links WHERE campaign_id = $1 UNION ALL"
		 " SELECT 'link ' || CAST(number AS TEXT) || ': machines', machines, 0"
		 "  FROM campaign_links WHERE campaign_id = $1 UNION ALL"
		 " SELECT 'link ' || CAST(link AS TEXT) || CASE machine"
		 "   WHEN 0 THEN ': clicks' ELSE ': machines' END, 0, count(*)"
		 "  FROM email_events WHERE campaign_id = $1 AND type = 2"
		 "  GROUP BY link, machine UNION ALL"
		 " SELECT 'link ' || CAST(link AS TEXT) || ': people', 0,"
		 "   count(DISTINCT subscriber_id)"
		 "  FROM email_events WHERE campaign_id = $1 AND type = 2"
		 "   AND machine = 0 GROUP BY link"),
	    "I4", "The clicks of a link are not what the events say" },
	{ DIFFER("SELECT 'hour ' || CAST(hour AS TEXT) || ': opened' AS name,"
		 "   opened AS told, 0 AS found"
		 "  FROM campaign_hours WHERE campaign_id = $1 UNION ALL"
		 " SELECT 'hour ' || CAST(hour AS TEXT) || ': clicked', clicked, 0"
		 "  FROM campaign_hours WHERE campaign_id = $1 UNION ALL"
		 " SELECT 'hour ' || CAST(opened_at / 3600000 AS TEXT) || ': opened',"
		 "   0, 1 FROM campaign_subscribers"
		 "  WHERE campaign_id = $1 AND opened_at IS NOT NULL UNION ALL"
		 " SELECT 'hour ' || CAST(clicked_at / 3600000 AS TEXT) || ': clicked',"
		 "   0, 1 FROM campaign_subscribers"
		 "  WHERE campaign_id = $1 AND clicked_at IS NOT NULL UNION ALL"
		 " SELECT 'mail clients', people, 0"
		 "  FROM campaign_clients WHERE campaign_id = $1 UNION ALL"
		 " SELECT 'mail clients', 0, count(opened_at)"
		 "  FROM campaign_subscribers WHERE campaign_id = $1"),
	    "I4", "The curve or the mail clients of the report do not add up" },
};
/* clang-format on */
enum { RULES = sizeof(rules) / sizeof(*rules) };

enum { CAMPAIGNS, ADDS_UP };

static const char *const sql[] = {
	[CAMPAIGNS] = "SELECT id, audience FROM campaigns"
		      " WHERE id > $1 AND (CAST($2 AS BIGINT) = 0 OR id = $2)"
		      " ORDER BY id LIMIT 1",
	[ADDS_UP] =
	    "SELECT CASE WHEN c.audience = coalesce(sum(n.n), 0)"
	    "     AND coalesce(min(n.n), 0) >= 0 AND (c.status <> 'completed' OR"
	    "      (c.frozen_at IS NOT NULL AND coalesce("
	    "        sum(CASE WHEN n.state < 4 THEN n.n ELSE 0 END), 0) = 0))"
	    "   THEN 1 ELSE 0 END"
	    "  FROM campaigns c LEFT JOIN campaign_counts n ON n.campaign_id = c.id"
	    " WHERE c.id = $1 GROUP BY c.id, c.audience, c.status, c.frozen_at",
};

enum err ledger_check_prepare(struct db *db)
{
	enum err e = db_prepare(db, sql, sizeof(sql) / sizeof(*sql));

	for (int i = 0; e == OK && i < RULES; i++)
		e = db_prepare(db, &rules[i].sql, 1);
	return e;
}

static enum err look(struct db *db, void *mem, int64_t campaign,
    const struct rule *rule, struct ledger_verdict *out)
{
	STMT_SCOPE s = db_stmt(db, &rule->sql);

	stmt_bind_int(s, 1, campaign);
	while (stmt_next(s)) {
		if (stmt_int(s, 0) == 0)
			continue;
		out->faults =
		    mem_resize(mem, out->faults, (out->n + 1) * sizeof(*out->faults));
		out->faults[out->n++] = (struct ledger_fault){
			.campaign = campaign,
			.n = stmt_int(s, 0),
			.rule = rule->name,
			.text = rule->text,
			.example = mem_str(mem, stmt_text(s, 1)),
		};
	}
	return stmt_error(s);
}

static enum err next_campaign(struct db *db, int64_t only, int64_t *id, int64_t *rows)
{
	STMT_SCOPE s = db_stmt(db, &sql[CAMPAIGNS]);
	enum err e;

	stmt_bind_int(s, 1, *id);
	stmt_bind_int(s, 2, only);
	e = stmt_row(s);
	*id = e == OK ? stmt_int(s, 0) : 0;
	*rows += e == OK ? stmt_int(s, 1) : 0;
	return e;
}

enum err ledger_check(struct db *db, void *mem, int64_t campaign,
    struct ledger_verdict *out)
{
	int64_t id = 0;
	enum err e;

	*out = (struct ledger_verdict){ 0 };
	while ((e = next_campaign(db, campaign, &id, &out->rows)) == OK) {
		out->campaigns++;
		for (int i = 0; e == OK && i < RULES; i++)
			e = look(db, mem, id, &rules[i], out);
		if (e != OK)
			return e;
	}
	return e == ERR_NOTFOUND && (campaign == 0 || out->campaigns) ? OK : e;
}

enum err ledger_adds_up(struct db *db, int64_t campaign, bool *adds_up)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADDS_UP]);
	enum err e;

	stmt_bind_int(s, 1, campaign);
	e = stmt_row(s);
	*adds_up = e == OK && stmt_int(s, 0) == 1;
	return e;
}
