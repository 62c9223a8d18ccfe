#include "repo/outbox.h"

#include "base/mem.h"
#include "base/text.h"
#include "repo/like.h"

#define COLUMNS                                                                        \
	"m.id, m.brand_id, m.campaign_id, m.subscriber_id, m.delivery_id, m.try, "     \
	"m.kind, m.from_header,"                                                       \
	" m.to_email, m.subject, m.created_at, COALESCE(c.name, '')"
#define FROM "  FROM outbox_messages m LEFT JOIN campaigns c ON c.id = m.campaign_id"

/* Our own mails hold links into accounts: $n is 1 for who may see them. */
#define SEEN(n) " AND (CAST($" n " AS BIGINT) = 1 OR m.kind <> 'system')"

enum { INSERT, PAGE, GET, COUNT, NEWER, OLDER, STATEMENTS };

/* clang-format off */
static const char *const sql[STATEMENTS] = {
	[INSERT] =
	    "INSERT INTO outbox_messages (brand_id, campaign_id, subscriber_id,"
	    " delivery_id, try,"
	    " kind, from_header, to_email, subject, headers, html, body_text,"
	    " created_at)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id",
	[PAGE] =
	    "SELECT " COLUMNS ", substr(m.body_text, 1, 200)" FROM
	    " WHERE m.brand_id = $1"
	    "   AND (CAST($2 AS BIGINT) = 0 OR m.campaign_id = $2)"
	    "   AND (CAST($3 AS TEXT) = '' OR lower(m.to_email) LIKE lower($3)"
	    " ESCAPE '!'"
	    "        OR lower(m.subject) LIKE lower($3) ESCAPE '!')"
	    "   AND (CAST($4 AS BIGINT) = 0 OR m.id < $4)" SEEN("6")
	    " ORDER BY m.id DESC LIMIT $5",
	[GET] =
	    "SELECT " COLUMNS ", m.body_text, m.headers, m.html" FROM
	    " WHERE m.brand_id = $1 AND m.id = $2" SEEN("3"),
	[COUNT] =
	    "SELECT count(*) FROM outbox_messages m WHERE m.brand_id = $1" SEEN("2"),
	[NEWER] =
	    "SELECT min(m.id) FROM outbox_messages m"
	    " WHERE m.brand_id = $1 AND m.id > $2" SEEN("3"),
	[OLDER] =
	    "SELECT max(m.id) FROM outbox_messages m"
	    " WHERE m.brand_id = $1 AND m.id < $2" SEEN("3"),
};
/* clang-format on */

enum err outbox_prepare(struct db *db)
{
	return db_prepare(db, sql, STATEMENTS);
}

enum err outbox_insert(struct db *db, struct outbox_message *m)
{
	STMT_SCOPE s = db_stmt(db, &sql[INSERT]);
	enum err e;

	stmt_bind_int(s, 1, m->brand_id);
	stmt_bind_opt(s, 2, m->campaign_id);
	stmt_bind_opt(s, 3, m->subscriber_id);
	stmt_bind_opt(s, 4, m->delivery_id);
	stmt_bind_opt(s, 5, m->tries);
	stmt_bind_text(s, 6, m->kind);
	stmt_bind_text(s, 7, m->from_header);
	stmt_bind_text(s, 8, m->to_email);
	stmt_bind_text(s, 9, m->subject);
	stmt_bind_text(s, 10, m->headers);
	stmt_bind_text(s, 11, m->html);
	stmt_bind_text(s, 12, m->text);
	stmt_bind_int(s, 13, m->created_at);
	e = stmt_row(s);
	if (e == OK)
		m->id = stmt_int(s, 0);
	return e;
}

/* COLUMNS and the text after them; the rest is "" */
static void read_row(struct stmt *s, void *mem, struct outbox_message *m)
{
	m->id = stmt_int(s, 0);
	m->brand_id = stmt_int(s, 1);
	m->campaign_id = stmt_int(s, 2);
	m->subscriber_id = stmt_int(s, 3);
	m->delivery_id = stmt_int(s, 4);
	m->tries = (int)stmt_int(s, 5);
	m->kind = stmt_copy(s, 6, mem);
	m->from_header = stmt_copy(s, 7, mem);
	m->to_email = stmt_copy(s, 8, mem);
	m->subject = stmt_copy(s, 9, mem);
	m->created_at = stmt_int(s, 10);
	m->campaign_name = stmt_copy(s, 11, mem);
	m->text = stmt_copy(s, 12, mem);
	m->headers = "[]";
	m->html = "";
}

enum err outbox_page(struct db *db, void *mem, const struct outbox_view *v,
    const struct outbox_filter *f, struct outbox_message **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[PAGE]);

	*n = 0;
	*out = mem_array(mem, struct outbox_message, (size_t)f->limit);
	stmt_bind_int(s, 1, v->brand);
	stmt_bind_int(s, 2, f->campaign);
	stmt_bind_text(s, 3, like_part(mem, f->search));
	stmt_bind_int(s, 4, f->before);
	stmt_bind_int(s, 5, f->limit);
	stmt_bind_int(s, 6, v->system);
	while (*n < (size_t)f->limit && stmt_next(s))
		read_row(s, mem, &(*out)[(*n)++]);
	return stmt_error(s);
}

enum err outbox_get(struct db *db, void *mem, const struct outbox_view *v, int64_t id,
    struct outbox_message **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[GET]);
	struct outbox_message *m;
	enum err e;

	stmt_bind_int(s, 1, v->brand);
	stmt_bind_int(s, 2, id);
	stmt_bind_int(s, 3, v->system);
	e = stmt_row(s);
	if (e != OK)
		return e;
	m = mem_new(mem, struct outbox_message);
	read_row(s, m, m);
	m->headers = stmt_copy(s, 13, m);
	m->html = stmt_copy(s, 14, m);
	*out = m;
	return OK;
}

enum err outbox_count(struct db *db, const struct outbox_view *v, int64_t *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[COUNT]);
	enum err e;

	stmt_bind_int(s, 1, v->brand);
	stmt_bind_int(s, 2, v->system);
	e = stmt_row(s);
	if (e == OK)
		*out = stmt_int(s, 0);
	return e;
}

static enum err beside(struct db *db, const char *const *which,
    const struct outbox_view *v, int64_t id, int64_t *out)
{
	STMT_SCOPE s = db_stmt(db, which);
	enum err e;

	stmt_bind_int(s, 1, v->brand);
	stmt_bind_int(s, 2, id);
	stmt_bind_int(s, 3, v->system);
	e = stmt_row(s);
	if (e == OK)
		*out = stmt_int(s, 0); /* NULL is 0 */
	return e;
}

enum err outbox_beside(struct db *db, const struct outbox_view *v, int64_t id,
    int64_t *newer, int64_t *older)
{
	enum err e = beside(db, &sql[NEWER], v, id, newer);

	if (e == OK)
		e = beside(db, &sql[OLDER], v, id, older);
	return e;
}
