#include "repo/campaign_row.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "repo/like.h"

#define AUTHOR                                                                         \
	"COALESCE((SELECT CASE u.name WHEN '' THEN u.email ELSE u.name END"            \
	" FROM users u WHERE u.id = c.created_by), '')"

/* "Newsletter + Brew school" */
#define LIST_NAMES(exclude)                                                            \
	"COALESCE((SELECT /*+lite group_concat*/ /*+pg string_agg*/ (n.name, ' + ')"   \
	" FROM (SELECT l.name FROM campaign_audience a JOIN lists l ON l.id = "        \
	"a.list_id"                                                                    \
	" WHERE a.campaign_id = c.id AND a.exclude = " exclude                         \
	" ORDER BY l.name) n), '')"

#define STATS_COLUMNS                                                                  \
	"COALESCE(t.delivered, 0), COALESCE(t.opened, 0), COALESCE(t.opens + "         \
	"t.click_opened, 0),"                                                          \
	" COALESCE(t.machine_opened, 0), COALESCE(t.machine_opens, 0), "               \
	"COALESCE(t.clicked, 0),"                                                      \
	" COALESCE(t.clicks, 0), COALESCE(t.machine_clicked, 0), "                     \
	"COALESCE(t.machine_clicks, 0),"                                               \
	" COALESCE(t.bounced, 0), COALESCE(t.soft_bounced, 0), "                       \
	"COALESCE(t.complained, 0),"                                                   \
	" COALESCE(t.unsubscribed, 0), t.last_event_at"

/* "4:120,5:2" of campaign_counts */
#define COUNTS                                                                         \
	"COALESCE((SELECT /*+lite group_concat*/ /*+pg string_agg*/ (k.state || ':' "  \
	"|| k.n, ',')"                                                                 \
	" FROM campaign_counts k WHERE k.campaign_id = c.id), '')"

enum { PAGE, TALLY, RECENT, STATS, STATEMENTS };

/* clang-format off */
static const char *const sql[STATEMENTS] = {
	[PAGE] =
	    "SELECT " CAMPAIGN_COLUMNS ", " AUTHOR ", " LIST_NAMES("0") ","
	    " " LIST_NAMES("1")
	    ", " COUNTS ", " STATS_COLUMNS
	    "  FROM campaigns c LEFT JOIN campaign_stats t ON t.campaign_id = c.id"
	    " WHERE c.brand_id = $1"
	    "   AND (CAST($2 AS BIGINT) = 0 OR (CAST($2 AS BIGINT) &"
	    " " CAMPAIGN_STATUS_BIT ") <> 0)"
	    "   AND (CAST($3 AS TEXT) = '' OR lower(c.name) LIKE lower($3) ESCAPE '!'"
	    "        OR lower(c.subject) LIKE lower($3) ESCAPE '!')"
	    "   AND (CAST($4 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM"
	    " campaign_audience a"
	    "        WHERE a.campaign_id = c.id AND a.list_id = $4 AND a.exclude = 0))"
	    "   AND (CAST($5 AS BIGINT) = 0 OR c.id < $5)"
	    " ORDER BY c.id DESC LIMIT $6",
	[TALLY] =
	    "SELECT status, count(*) FROM campaigns WHERE brand_id = $1 GROUP BY"
	    " status",
	/* As stats_base in service/campaign.h. */
	[RECENT] =
	    "SELECT COALESCE(sum(k.n), 0), COALESCE(sum(t.complained), 0),"
	    "       COALESCE(sum(CASE WHEN c.track_opens = 1 THEN t.opened END), 0),"
	    "       COALESCE(sum(CASE WHEN c.track_opens = 0 THEN 0"
	    "         WHEN t.delivered > 0 AND t.delivered >= t.opened + t.machine_opened"
	    "           THEN t.delivered"
	    "         WHEN t.opened + t.machine_opened > COALESCE(k.n, 0)"
	    "           THEN t.opened + t.machine_opened"
	    "         ELSE k.n END), 0)"
	    "  FROM campaigns c LEFT JOIN campaign_stats t ON t.campaign_id = c.id"
	    "   LEFT JOIN campaign_counts k ON k.campaign_id = c.id AND k.state = 4"
	    " WHERE c.brand_id = $1 AND c.started_at >= $2",
	[STATS] =
	    "SELECT " STATS_COLUMNS " FROM campaign_stats t WHERE t.campaign_id = $1",
};
/* clang-format on */

enum err campaign_index_prepare(struct db *db)
{
	return db_prepare(db, sql, STATEMENTS);
}

static int word_index(const char *const *words, const char *w)
{
	int i;

	for (i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], w) == 0)
			return i;
	return 0;
}

void campaign_row_read(struct stmt *s, void *mem, struct campaign *c)
{
	c->id = stmt_int(s, 0);
	c->brand_id = stmt_int(s, 1);
	c->name = stmt_copy(s, 2, mem);
	c->status =
	    (enum campaign_status)word_index(campaign_status_words, stmt_text(s, 3));
	c->subject = stmt_copy(s, 4, mem);
	c->preview_text = stmt_copy(s, 5, mem);
	c->from_name = stmt_copy(s, 6, mem);
	c->from_email = stmt_copy(s, 7, mem);
	c->reply_to = stmt_copy(s, 8, mem);
	c->track_opens = stmt_int(s, 9) != 0;
	c->track_clicks = stmt_int(s, 10) != 0;
	c->on_doubt =
	    (enum doubt_policy)word_index(doubt_policy_words, stmt_text(s, 11));
	c->send_at = stmt_int(s, 12);
	c->send_zone = stmt_copy(s, 13, mem);
	c->audience = stmt_int(s, 14);
	c->freeze_after = stmt_int(s, 15);
	c->frozen_at = stmt_int(s, 16);
	c->started_at = stmt_int(s, 17);
	c->finished_at = stmt_int(s, 18);
	c->pause_reason = stmt_copy(s, 19, mem);
	c->version = stmt_int(s, 20);
	c->created_at = stmt_int(s, 21);
	c->updated_at = stmt_int(s, 22);
	c->resends = stmt_int(s, 23);
	c->resume_at = stmt_int(s, 24);
	c->parent_id = stmt_int(s, 25);
	c->audience_kind =
	    (enum audience_kind)word_index(audience_kind_words, stmt_text(s, 26));
}

static void add_count(struct delivery_counts *c, int64_t state, int64_t n)
{
	if (state < 0 || state >= DELIVERY_STATES)
		return;
	c->n[state] += n;
	c->audience += n;
}

/* "4:120,5:2" */
static void parse_counts(const char *s, struct delivery_counts *c)
{
	while (*s != '\0') {
		char *end;
		int64_t state = strtoll(s, &end, 10);
		int64_t n = *end == ':' ? strtoll(end + 1, &end, 10) : 0;

		add_count(c, state, n);
		s = *end == ',' ? end + 1 : "";
	}
}

static void read_stats(struct stmt *s, int col, struct campaign_stats *t)
{
	t->delivered = stmt_int(s, col);
	t->opened = stmt_int(s, col + 1);
	t->opens = stmt_int(s, col + 2);
	t->machine_opened = stmt_int(s, col + 3);
	t->machine_opens = stmt_int(s, col + 4);
	t->clicked = stmt_int(s, col + 5);
	t->clicks = stmt_int(s, col + 6);
	t->machine_clicked = stmt_int(s, col + 7);
	t->machine_clicks = stmt_int(s, col + 8);
	t->bounced = stmt_int(s, col + 9);
	t->soft_bounced = stmt_int(s, col + 10);
	t->complained = stmt_int(s, col + 11);
	t->unsubscribed = stmt_int(s, col + 12);
	t->last_event_at = stmt_int(s, col + 13);
}

static void read_line(struct stmt *s, void *mem, struct campaign_line *l)
{
	campaign_row_read(s, mem, &l->c);
	l->c.html = l->c.text = "";
	l->author = stmt_copy(s, CAMPAIGN_COLUMN_COUNT, mem);
	l->to = stmt_copy(s, CAMPAIGN_COLUMN_COUNT + 1, mem);
	l->without = stmt_copy(s, CAMPAIGN_COLUMN_COUNT + 2, mem);
	parse_counts(stmt_text(s, CAMPAIGN_COLUMN_COUNT + 3), &l->counts);
	read_stats(s, CAMPAIGN_COLUMN_COUNT + 4, &l->stats);
}

enum err campaign_page(struct db *db, void *mem, int64_t brand,
    const struct campaign_filter *f, struct campaign_line **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[PAGE]);

	*n = 0;
	*out = mem_array(mem, struct campaign_line, (size_t)f->limit);
	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, f->statuses);
	stmt_bind_text(s, 3, like_part(mem, f->search));
	stmt_bind_int(s, 4, f->list);
	stmt_bind_int(s, 5, f->before);
	stmt_bind_int(s, 6, f->limit);
	while (*n < (size_t)f->limit && stmt_next(s))
		read_line(s, mem, &(*out)[(*n)++]);
	return stmt_error(s);
}

enum err campaign_tally(struct db *db, int64_t brand, int64_t n[CAMPAIGN_STATUSES])
{
	STMT_SCOPE s = db_stmt(db, &sql[TALLY]);

	memset(n, 0, sizeof(n[0]) * CAMPAIGN_STATUSES);
	stmt_bind_int(s, 1, brand);
	while (stmt_next(s))
		n[word_index(campaign_status_words, stmt_text(s, 0))] += stmt_int(s, 1);
	return stmt_error(s);
}

enum err campaign_recent(struct db *db, int64_t brand, int64_t since,
    struct campaign_recent *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[RECENT]);
	enum err e;

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, since);
	e = stmt_row(s);
	if (e == OK) {
		out->accepted = stmt_int(s, 0);
		out->complained = stmt_int(s, 1);
		out->opened = stmt_int(s, 2);
		out->base = stmt_int(s, 3);
	}
	return e;
}

enum err campaign_stats_get(struct db *db, int64_t id, struct campaign_stats *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[STATS]);
	enum err e;

	memset(out, 0, sizeof(*out));
	stmt_bind_int(s, 1, id);
	e = stmt_row(s);
	if (e == OK)
		read_stats(s, 0, out);
	return e == ERR_NOTFOUND ? OK : e;
}
