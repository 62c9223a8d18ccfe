#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "repo/campaign.h"
#include "repo/ledger.h"
#include "repo/ledger_attempt.h"

enum { DUE, SERVE, TO_WAKE, WAKE, NEXT_AT };

#define BY_STATUS " /*+lite INDEXED BY campaigns_status */"
#define DUE_OF(index)                                                                  \
	"SELECT id, brand_id, status, send_at, served_at FROM campaigns"               \
	" /*+lite INDEXED BY campaigns_" index " */ WHERE status = "

static const char *const sql[] = {
	/*
	 * Each part by an index that holds few: cancelled ones as long as they have
	 * open rows, paused ones with rows of a worker.
	 */
	[DUE] =
	    "SELECT id, brand_id, status, send_at,"
	    " (SELECT account_key FROM providers p WHERE p.brand_id = x.brand_id)"
	    " FROM (" DUE_OF(
		"status") "'scheduled' AND send_at <= $1"
			  "  UNION ALL " DUE_OF(
			      "status") "'sending'"
					"  UNION ALL " DUE_OF(
					    "untidy") "'cancelled' AND tidied_at IS "
						      "NULL"
						      "  UNION ALL " DUE_OF(
							  "status") "'paused' AND "
								    "EXISTS (SELECT 1"
								    "   FROM "
								    "campaign_counts n "
								    "WHERE "
								    "n.campaign_id = "
								    "campaigns.id"
								    "    AND n.state "
								    "IN (1, 2) AND n.n "
								    "> 0)) x"
								    " ORDER BY "
								    "COALESCE(served_"
								    "at, 0), send_at, "
								    "id LIMIT 200",
	[SERVE] = "UPDATE campaigns SET served_at = $2 WHERE id = $1",
	[TO_WAKE] = "SELECT 1 FROM campaigns WHERE status = 'paused'"
		    "   AND resume_at <= $1 LIMIT 1",
	[WAKE] = "UPDATE campaigns SET status = 'sending', pause_reason = '',"
		 "   resume_at = NULL, updated_at = $1"
		 " WHERE status = 'paused' AND resume_at <= $1",
	[NEXT_AT] =
	    "SELECT min(at) FROM ("
	    " SELECT min(send_at) AS at FROM campaigns" BY_STATUS
	    " WHERE status = 'scheduled'"
	    " UNION ALL"
	    " SELECT min(resume_at) FROM campaigns" BY_STATUS " WHERE status = 'paused'"
	    " UNION ALL"
	    " SELECT min((SELECT min(d.next_try_at) FROM campaign_subscribers d"
	    "   WHERE d.campaign_id = c.id AND d.next_try_at > 0))"
	    "  FROM campaigns c" BY_STATUS " WHERE c.status = 'sending') x",
};

enum err ledger_due_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

static enum campaign_status status_from(const char *word)
{
	int i = 0;

	while (campaign_status_words[i] && strcmp(word, campaign_status_words[i]) != 0)
		i++;
	return (enum campaign_status)i;
}

/* As send/provider names it: a brand without an account shares with nobody. */
static void name_account(struct due_campaign *d, const char *key)
{
	if (*key)
		snprintf(d->account, sizeof(d->account), "%s", key);
	else
		snprintf(d->account, sizeof(d->account), "brand:%lld",
		    (long long)d->brand_id);
}

enum err ledger_due(struct db *db, void *mem, int64_t now, struct due_campaign **out,
    size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[DUE]);

	*out = NULL;
	*n = 0;
	stmt_bind_int(s, 1, now);
	while (stmt_next(s)) {
		*out = mem_resize(mem, *out, (*n + 1) * sizeof(**out));
		(*out)[(*n)++] = (struct due_campaign){
			.id = stmt_int(s, 0),
			.brand_id = stmt_int(s, 1),
			.status = status_from(stmt_text(s, 2)),
			.send_at = stmt_int(s, 3),
		};
		name_account(&(*out)[*n - 1], stmt_text(s, 4));
	}
	return stmt_error(s);
}

bool due_sends(const struct due_campaign *d)
{
	return d->status == CAMPAIGN_SCHEDULED || d->status == CAMPAIGN_SENDING;
}

enum err ledger_serve(struct db *db, int64_t campaign, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[SERVE]);

	stmt_bind_int(s, 1, campaign);
	stmt_bind_int(s, 2, now);
	return stmt_run(s);
}

enum err ledger_wake(struct db *db, int64_t now)
{
	STMT_SCOPE any = db_stmt(db, &sql[TO_WAKE]);
	STMT_SCOPE s = db_stmt(db, &sql[WAKE]);
	enum err e;

	stmt_bind_int(any, 1, now);
	e = stmt_row(any);
	if (e != OK)
		return e == ERR_NOTFOUND ? OK : e;
	stmt_bind_int(s, 1, now);
	return stmt_run(s);
}

enum err ledger_next_at(struct db *db, int64_t *at)
{
	STMT_SCOPE s = db_stmt(db, &sql[NEXT_AT]);
	enum err e = stmt_row(s);

	*at = e == OK ? stmt_int(s, 0) : 0;
	return e;
}
