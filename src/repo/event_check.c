#include "repo/event_check.h"

#include "base/mem.h"

/*
 * A statement gives lines of (how many, an example) for campaign $1; a line with 0 is
 * no fault.
 */
struct question {
	const char *sql, *text;
};

/* clang-format off */
/* Two counts of the same: lines of (name, told, found) that differ. */
#define DIFFER(lines) \
	"SELECT CAST(abs(sum(told) - sum(found)) AS BIGINT)," \
	"   name || ': ' || CAST(sum(told) AS TEXT) || ' shown, ' ||" \
	"   CAST(sum(found) AS TEXT) || ' found'" \
	" FROM (" lines ") x GROUP BY name HAVING sum(told) <> sum(found) ORDER BY name"
#define TOLD(name, column) \
	"SELECT '" name "' AS name, " column " AS told, 0 AS found" \
	" FROM campaign_stats WHERE campaign_id = $1 UNION ALL "
#define FOUND(name, sum_of) \
	" UNION ALL SELECT '" name "', 0, CAST(coalesce(sum(" sum_of "), 0) AS BIGINT) FROM per"
/* Each recipient's events of each kind; WITH stands before what uses it. */
#define IS(what) "sum(CASE WHEN " what " THEN 1 ELSE 0 END)"
#define PER_RECIPIENT \
	"WITH per AS (SELECT subscriber_id," \
	"  " IS("type = 1 AND machine = 0") " AS o, " IS("type = 2 AND machine = 0") " AS c," \
	"  " IS("type = 1 AND machine = 1") " AS mo, " IS("type = 2 AND machine = 1") " AS mc," \
	"  " IS("type = 5") " AS d," \
	"  min(CASE WHEN type <= 2 AND machine = 0 THEN at END) AS opened_at," \
	"  min(CASE WHEN type = 2 AND machine = 0 THEN at END) AS clicked_at," \
	"  min(CASE WHEN type = 1 AND machine = 1 THEN at END) AS machine_opened_at," \
	"  min(CASE WHEN type = 2 AND machine = 1 THEN at END) AS machine_clicked_at" \
	"  FROM email_events WHERE campaign_id = $1 GROUP BY subscriber_id) "
#define ONE(what) "CASE WHEN " what " THEN 1 ELSE 0 END"
#define OTHER(column) "NOT (d." column " IS NOT DISTINCT FROM p." column ")"
#define HOURS_OF(column, what, condition) \
	" UNION ALL SELECT 'hour ' || CAST(" column " / 3600000 AS TEXT) || ': " what "', 0, 1" \
	"  FROM campaign_subscribers WHERE campaign_id = $1 AND " column " IS NOT NULL" condition
#define MORE(what, a, b) \
	"SELECT " a " - (" b ") AS n, '" what ": ' || CAST(" a " AS TEXT) || ' and ' ||" \
	"  CAST(" b " AS TEXT) AS line FROM campaign_stats t" \
	"  JOIN campaigns c ON c.id = t.campaign_id WHERE c.id = $1 AND " a " > " b
#define MORE_OF_LINK(what, a, b) \
	"SELECT " a " - " b ", 'link ' || CAST(l.number AS TEXT) || ', " what ": ' ||" \
	"  CAST(" a " AS TEXT) || ' and ' || CAST(" b " AS TEXT)" \
	"  FROM campaign_links l JOIN campaign_stats t ON t.campaign_id = l.campaign_id" \
	" WHERE l.campaign_id = $1 AND " a " > " b

static const struct question questions[] = {
	{ PER_RECIPIENT DIFFER(
	      TOLD("delivered", "delivered") TOLD("opened", "opened") TOLD("opens", "opens")
	      TOLD("opened by machines only", "machine_opened") TOLD("opens by machines", "machine_opens")
	      TOLD("clicked", "clicked") TOLD("clicks", "clicks")
	      TOLD("clicked by machines only", "machine_clicked") TOLD("clicks by machines", "machine_clicks")
	      TOLD("opened, by a click alone", "click_opened")
	      "SELECT 'opened' AS name, 0 AS told, 0 AS found"
	      FOUND("delivered", ONE("d > 0")) FOUND("opened", ONE("o + c > 0")) FOUND("opens", "o")
	      FOUND("opened by machines only", ONE("mo > 0 AND o + c = 0")) FOUND("opens by machines", "mo")
	      FOUND("clicked", ONE("c > 0")) FOUND("clicks", "c")
	      FOUND("clicked by machines only", ONE("mc > 0 AND c = 0")) FOUND("clicks by machines", "mc")
	      FOUND("opened, by a click alone", ONE("c > 0 AND o = 0"))),
	    "A figure is not what its events come to" },
	{ PER_RECIPIENT
	  "SELECT count(*), min(coalesce(d.email, d.email_key)) FROM campaign_subscribers d"
	  "  LEFT JOIN per p ON p.subscriber_id = d.subscriber_id WHERE d.campaign_id = $1"
	  " AND (" OTHER("opened_at") " OR " OTHER("clicked_at") " OR " OTHER("machine_opened_at")
	  "  OR " OTHER("machine_clicked_at") ")",
	    "The first open or click of these recipients is not their earliest event" },
	{ DIFFER("SELECT 'hour ' || CAST(hour AS TEXT) || ': opened' AS name, opened AS told, 0 AS found"
	         "  FROM campaign_hours WHERE campaign_id = $1"
	         " UNION ALL SELECT 'hour ' || CAST(hour AS TEXT) || ': machines', machine_opened, 0"
	         "  FROM campaign_hours WHERE campaign_id = $1"
	         " UNION ALL SELECT 'hour ' || CAST(hour AS TEXT) || ': clicked', clicked, 0"
	         "  FROM campaign_hours WHERE campaign_id = $1"
	         HOURS_OF("opened_at", "opened", "")
	         HOURS_OF("machine_opened_at", "machines", " AND opened_at IS NULL")
	         HOURS_OF("clicked_at", "clicked", "")),
	    "An hour of the curve is not what its recipients come to" },
	{ DIFFER("SELECT client AS name, people AS told, 0 AS found"
	         "  FROM campaign_clients WHERE campaign_id = $1"
	         " UNION ALL SELECT coalesce((SELECT min(v.client /*+pg COLLATE \"C\" */)"
	         "   FROM email_events v"
	         "   WHERE v.campaign_id = d.campaign_id AND v.subscriber_id = d.subscriber_id"
	         "    AND v.type IN (1, 2) AND v.type <= 2 AND v.machine = 0 AND v.at = d.opened_at),"
	         "   'nothing'), 0, 1"
	         "  FROM campaign_subscribers d WHERE d.campaign_id = $1 AND d.opened_at IS NOT NULL"),
	    "The mail clients are not those of the first opens" },
	{ DIFFER("SELECT 'link ' || CAST(number AS TEXT) || ': clicks' AS name, clicks AS told, 0 AS found"
	         "  FROM campaign_links WHERE campaign_id = $1"
	         " UNION ALL SELECT 'link ' || CAST(number AS TEXT) || ': people', people, 0"
	         "  FROM campaign_links WHERE campaign_id = $1"
	         " UNION ALL SELECT 'link ' || CAST(number AS TEXT) || ': machines', machines, 0"
	         "  FROM campaign_links WHERE campaign_id = $1"
	         " UNION ALL SELECT 'link ' || CAST(link AS TEXT) || CASE machine WHEN 0 THEN ': clicks'"
	         "   ELSE ': machines' END, 0, count(*)"
	         "  FROM email_events WHERE campaign_id = $1 AND type = 2 GROUP BY link, machine"
	         " UNION ALL SELECT 'link ' || CAST(link AS TEXT) || ': people', 0,"
	         "   count(DISTINCT subscriber_id)"
	         "  FROM email_events WHERE campaign_id = $1 AND type = 2 AND machine = 0 GROUP BY link"),
	    "A link is not what its clicks come to" },
	{ "SELECT CAST(n AS BIGINT), line FROM ("
	  MORE("more opened than opens", "t.opened", "t.opens + t.click_opened") " UNION ALL "
	  MORE("more clicked than clicks", "t.clicked", "t.clicks") " UNION ALL "
	  MORE("more clicked than opened", "t.clicked", "t.opened") " UNION ALL "
	  MORE("more opened by machines than their opens", "t.machine_opened", "t.machine_opens") " UNION ALL "
	  MORE("more clicked by machines than their clicks", "t.machine_clicked", "t.machine_clicks") " UNION ALL "
	  MORE("more delivered than the audience", "t.delivered", "c.audience") " UNION ALL "
	  MORE("more opened than the audience", "t.opened + t.machine_opened", "c.audience") " UNION ALL "
	  MORE("more clicked than the audience", "t.clicked + t.machine_clicked", "c.audience") " UNION ALL "
	  MORE("more bounced than the audience", "t.bounced + t.soft_bounced", "c.audience") " UNION ALL "
	  MORE("more complained than the audience", "t.complained", "c.audience") " UNION ALL "
	  MORE("more unsubscribed than the audience", "t.unsubscribed", "c.audience") " UNION ALL "
	  MORE("begun after the end", "c.started_at", "c.finished_at") " UNION ALL "
	  MORE_OF_LINK("more people than clicks", "l.people", "l.clicks") " UNION ALL "
	  MORE_OF_LINK("more people than clicked at all", "l.people", "t.clicked") ") x ORDER BY line",
	    "Two numbers of the report contradict each other" },
	{ "SELECT count(*), CAST(min(id) AS TEXT) FROM email_events WHERE campaign_id = $1"
	  "  AND (machine <> CASE WHEN reason = 0 THEN 0 ELSE 1 END OR reason NOT BETWEEN 0 AND 5)",
	    "These events are a machine's without a reason, or a person's with one" },
};
/* clang-format on */
enum { QUESTIONS = sizeof(questions) / sizeof(*questions) };

enum { NEXT, COUNT };

static const char *const sql[] = {
	[NEXT] = "SELECT min(id) FROM campaigns"
		 " WHERE id > $1 AND (CAST($2 AS BIGINT) = 0 OR id = $2)",
	[COUNT] =
	    "SELECT count(*),"
	    "  coalesce(sum(CASE WHEN type <= 2 AND rules < $2 THEN 1 ELSE 0 END), 0)"
	    "  FROM email_events WHERE campaign_id = $1",
};

enum err event_check_prepare(struct db *db)
{
	enum err e = db_prepare(db, sql, sizeof(sql) / sizeof(*sql));

	for (int i = 0; e == OK && i < QUESTIONS; i++)
		e = db_prepare(db, &questions[i].sql, 1);
	return e;
}

static enum err ask(struct db *db, void *mem, int64_t campaign,
    const struct question *q, struct event_verdict *out)
{
	STMT_SCOPE s = db_stmt(db, &q->sql);

	stmt_bind_int(s, 1, campaign);
	while (stmt_next(s)) {
		struct event_fault f = { campaign, stmt_int(s, 0), q->text, NULL };

		if (f.n == 0)
			continue;
		f.example = stmt_copy(s, 1, mem);
		out->faults = mem_resize(mem, out->faults, (out->n + 1) * sizeof(f));
		out->faults[out->n++] = f;
	}
	return stmt_error(s);
}

static enum err count(struct db *db, int64_t campaign, int rules,
    struct event_verdict *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[COUNT]);
	enum err e;

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, rules);
	e = stmt_row(s);
	out->events += e == OK ? stmt_int(s, 0) : 0;
	out->older += e == OK ? stmt_int(s, 1) : 0;
	return e;
}

/* 0: there is no more. */
static enum err next(struct db *db, int64_t only, int64_t *id)
{
	STMT_SCOPE s = db_stmt(db, &sql[NEXT]);
	enum err e;

	stmt_bind_int(s, 1, *id);
	stmt_bind_int(s, 2, only);
	e = stmt_row(s);
	*id = e == OK ? stmt_int(s, 0) : 0;
	return e;
}

enum err event_check(struct db *db, void *mem, int64_t campaign, int rules,
    struct event_verdict *out)
{
	int64_t id = 0;
	enum err e;

	*out = (struct event_verdict){ 0 };
	while ((e = next(db, campaign, &id)) == OK && id != 0) {
		out->campaigns++;
		e = count(db, id, rules, out);
		for (int i = 0; e == OK && i < QUESTIONS; i++)
			e = ask(db, mem, id, &questions[i], out);
		if (e != OK)
			return e;
	}
	return e == OK && campaign && out->campaigns == 0 ? ERR_NOTFOUND : e;
}
