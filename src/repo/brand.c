#include "repo/brand.h"

#include <stddef.h>

#include "base/mem.h"
#include "base/text.h"
#include "repo/people_count.h"

enum { BY_ID, FOR_USER, BY_HOOK, LIST, ADD, SET, SET_MEMBER, THINGS, CAMPAIGNS, SIDE };

enum { LIST_MAX = 500 };

#define COLUMNS                                                                        \
	"b.id, b.name, b.from_name, b.from_email, b.reply_to, b.postal_address, "      \
	"b.time_zone,"                                                                 \
	" b.hook_token, b.created_at, b.updated_at"

static const char *const sql[] = {
	[BY_ID] = "SELECT " COLUMNS " FROM brands b WHERE b.id = $1",
	[FOR_USER] = "SELECT " COLUMNS ", m.role FROM brands b"
		     "  LEFT JOIN members m ON m.brand_id = b.id AND m.user_id = $2"
		     "  WHERE b.id = $1",
	[BY_HOOK] = "SELECT " COLUMNS " FROM brands b WHERE b.hook_token = $1",
	[LIST] = "SELECT " COLUMNS " FROM brands b"
		 "  WHERE $1 = CAST(0 AS BIGINT) OR EXISTS (SELECT 1 FROM members m"
		 "    WHERE m.brand_id = b.id AND m.user_id = $1)"
		 "  ORDER BY lower(b.name), b.id LIMIT 500",
	[ADD] =
	    "INSERT INTO brands (name, from_name, from_email, reply_to, postal_address,"
	    "  time_zone, hook_token, created_at, updated_at)"
	    "  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING id",
	[SET] = "UPDATE brands SET name = $2, from_name = $3, from_email = $4, "
		"reply_to = $5,"
		"  postal_address = $6, time_zone = $7, updated_at = $8 WHERE id = $1",
	[SET_MEMBER] =
	    "INSERT INTO members (brand_id, user_id, role, created_at)"
	    "  VALUES ($1, $2, $3, $4)"
	    "  ON CONFLICT (brand_id, user_id) DO UPDATE SET role = excluded.role",
	[THINGS] = "SELECT (SELECT count(*) FROM lists WHERE brand_id = $1),"
		   "  (SELECT count(*) FROM campaigns WHERE brand_id = $1)",
	[CAMPAIGNS] =
	    "SELECT c.id, c.name, c.status, c.audience, c.send_at, c.started_at, "
	    "c.finished_at,"
	    "  c.updated_at,"
	    "  (SELECT coalesce(sum(n), 0) FROM campaign_counts k"
	    "    WHERE k.campaign_id = c.id AND k.state >= 4),"
	    "  (SELECT coalesce(sum(n), 0) FROM campaign_counts k"
	    "    WHERE k.campaign_id = c.id AND k.state = 4),"
	    "  (SELECT coalesce(sum(n), 0) FROM campaign_counts k"
	    "    WHERE k.campaign_id = c.id AND k.state = 7),"
	    "  s.delivered, s.opened, s.machine_opened, s.clicked, s.machine_clicked,"
	    "  c.track_opens, c.track_clicks"
	    "  FROM campaigns c LEFT JOIN campaign_stats s ON s.campaign_id = c.id"
	    "  WHERE c.brand_id = $1 ORDER BY c.id DESC LIMIT 5",
	[SIDE] = "SELECT (SELECT COALESCE(sum(n), 0) FROM people_counts"
		 "    WHERE brand_id = $1 AND kind = 'status'),"
		 "  (SELECT count(*) FROM lists WHERE brand_id = $1)",
};

static const char *const roles[] = {
	[ROLE_NONE] = "",
	[ROLE_VIEWER] = "viewer",
	[ROLE_EDITOR] = "editor",
	[ROLE_ADMIN] = "admin",
	[ROLE_OWNER] = "owner",
};

enum err brand_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

const char *role_word(enum role r)
{
	return roles[r];
}

enum role role_from(const char *word)
{
	for (size_t i = ROLE_VIEWER; i < sizeof(roles) / sizeof(*roles); i++) {
		if (text_equal(word, roles[i]))
			return (enum role)i;
	}
	return ROLE_NONE;
}

static void read_row(struct stmt *s, void *mem, struct brand *b)
{
	b->id = stmt_int(s, 0);
	b->name = stmt_copy(s, 1, mem);
	b->from_name = stmt_copy(s, 2, mem);
	b->from_email = stmt_copy(s, 3, mem);
	b->reply_to = stmt_copy(s, 4, mem);
	b->postal_address = stmt_copy(s, 5, mem);
	b->time_zone = stmt_copy(s, 6, mem);
	b->hook_token = stmt_copy(s, 7, mem);
	b->created_at = stmt_int(s, 8);
	b->updated_at = stmt_int(s, 9);
}

static enum err read_one(struct stmt *s, void *mem, struct brand **out)
{
	enum err e = stmt_row(s);

	if (e == OK) {
		*out = mem_new(mem, struct brand);
		read_row(s, *out, *out);
	}
	return e;
}

enum err brand_get(struct db *db, void *mem, int64_t id, struct brand **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[BY_ID]);

	stmt_bind_int(s, 1, id);
	return read_one(s, mem, out);
}

enum err brand_get_for(struct db *db, void *mem, int64_t id, int64_t user_id,
    struct brand **out, enum role *role)
{
	STMT_SCOPE s = db_stmt(db, &sql[FOR_USER]);
	enum err e;

	stmt_bind_int(s, 1, id);
	stmt_bind_int(s, 2, user_id);
	e = read_one(s, mem, out);
	if (e == OK)
		*role = role_from(stmt_text(s, 10));
	return e;
}

enum err brand_by_hook(struct db *db, void *mem, const char *hook_token,
    struct brand **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[BY_HOOK]);

	stmt_bind_text(s, 1, hook_token);
	return read_one(s, mem, out);
}

enum err brand_list(struct db *db, void *mem, int64_t user_id, struct brand **out,
    size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LIST]);

	*out = NULL;
	*n = 0;
	stmt_bind_int(s, 1, user_id);
	while (*n < LIST_MAX && stmt_next(s)) {
		*out = mem_resize(mem, *out, (*n + 1) * sizeof(**out));
		read_row(s, mem, &(*out)[(*n)++]);
	}
	return stmt_error(s);
}

enum err brand_add(struct db *db, struct brand *b, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);
	enum err e;

	stmt_bind_text(s, 1, b->name);
	stmt_bind_text(s, 2, b->from_name);
	stmt_bind_text(s, 3, b->from_email);
	stmt_bind_text(s, 4, b->reply_to);
	stmt_bind_text(s, 5, b->postal_address);
	stmt_bind_text(s, 6, b->time_zone);
	stmt_bind_text(s, 7, b->hook_token);
	stmt_bind_int(s, 8, now);
	e = stmt_row(s);
	if (e == OK) {
		b->id = stmt_int(s, 0);
		b->created_at = b->updated_at = now;
	}
	return e;
}

enum err brand_set(struct db *db, struct brand *b, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[SET]);

	b->updated_at = now;
	stmt_bind_int(s, 1, b->id);
	stmt_bind_text(s, 2, b->name);
	stmt_bind_text(s, 3, b->from_name);
	stmt_bind_text(s, 4, b->from_email);
	stmt_bind_text(s, 5, b->reply_to);
	stmt_bind_text(s, 6, b->postal_address);
	stmt_bind_text(s, 7, b->time_zone);
	stmt_bind_int(s, 8, now);
	return stmt_run(s);
}

enum err member_set(struct db *db, int64_t brand_id, int64_t user_id, enum role role,
    int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[SET_MEMBER]);

	stmt_bind_int(s, 1, brand_id);
	stmt_bind_int(s, 2, user_id);
	stmt_bind_text(s, 3, roles[role]);
	stmt_bind_int(s, 4, now);
	return stmt_run(s);
}

static void read_campaign(struct stmt *s, void *mem, struct brand_campaign *c)
{
	c->id = stmt_int(s, 0);
	c->name = stmt_copy(s, 1, mem);
	c->status = stmt_copy(s, 2, mem);
	c->audience = stmt_int(s, 3);
	c->send_at = stmt_int(s, 4);
	c->started_at = stmt_int(s, 5);
	c->finished_at = stmt_int(s, 6);
	c->updated_at = stmt_int(s, 7);
	c->settled = stmt_int(s, 8);
	c->accepted = stmt_int(s, 9);
	c->doubt = stmt_int(s, 10);
	c->delivered = stmt_int(s, 11);
	c->opened = stmt_int(s, 12);
	c->machine_opened = stmt_int(s, 13);
	c->clicked = stmt_int(s, 14);
	c->machine_clicked = stmt_int(s, 15);
	c->track_opens = stmt_int(s, 16) != 0;
	c->track_clicks = stmt_int(s, 17) != 0;
}

static enum err people(struct db *db, int64_t brand_id, int64_t now,
    struct brand_overview *out)
{
	struct people_total t = { 0 };
	enum err e =
	    people_total(db, brand_id, now - INT64_C(30) * 24 * 3600 * 1000, &t);

	out->subscribers = t.people;
	out->active = t.active;
	out->new_30_days = t.fresh;
	out->suppressed = t.suppressed;
	return e;
}

static enum err things(struct db *db, int64_t brand_id, struct brand_overview *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[THINGS]);
	enum err e;

	stmt_bind_int(s, 1, brand_id);
	e = stmt_row(s);
	if (e != OK)
		return e;
	out->lists = stmt_int(s, 0);
	out->campaigns = stmt_int(s, 1);
	return OK;
}

enum err brand_overview(struct db *db, void *mem, int64_t brand_id, int64_t now,
    struct brand_overview *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[CAMPAIGNS]);
	const size_t most = sizeof(out->last) / sizeof(*out->last);
	enum err e = people(db, brand_id, now, out);

	if (e == OK)
		e = things(db, brand_id, out);
	if (e != OK)
		return e;
	stmt_bind_int(s, 1, brand_id);
	out->nlast = 0;
	while (out->nlast < most && stmt_next(s))
		read_campaign(s, mem, &out->last[out->nlast++]);
	return stmt_error(s);
}

enum err brand_counts(struct db *db, int64_t brand_id, struct brand_counts *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[SIDE]);
	enum err e;

	stmt_bind_int(s, 1, brand_id);
	e = stmt_row(s);
	if (e == OK) {
		out->subscribers = stmt_int(s, 0);
		out->lists = stmt_int(s, 1);
	}
	return e;
}
