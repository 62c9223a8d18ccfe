#include "repo/people_count.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "repo/ids.h"

enum { LOCK, NOTE, SETTLE, SUPPRESSED, FORGET_LIST, TOTAL, CHECK };
enum { DAY_MS = 86400000, DAY_BASE = 100000 };

/* clang-format off */
#define IDS(column) \
	"/*+lite " column " IN (SELECT value FROM json_each($1)) */" \
	"/*+pg " column " = ANY(ARRAY(SELECT CAST(value AS BIGINT)" \
	" FROM json_array_elements_text(CAST($1 AS JSON)))) */"
/* Six digits for three centuries, so that days are in order as texts too. */
#define DAY "CAST(100000 + s.created_at / 86400000 AS TEXT)"
/* Lines (brand_id, kind, item), one for each count that a person is part of. */
#define LINES(person, member) \
	"SELECT s.brand_id, 'status' AS kind, s.status /*+pg COLLATE \"C\" */ AS item" \
	"  FROM subscribers s WHERE " person \
	" UNION ALL SELECT s.brand_id, 'day', " DAY " FROM subscribers s WHERE " person \
	" UNION ALL SELECT l.brand_id, 'list', CAST(m.list_id AS TEXT)" \
	"  FROM list_subscribers m JOIN lists l ON l.id = m.list_id WHERE " member \
	" UNION ALL SELECT l.brand_id, 'active', CAST(m.list_id AS TEXT)" \
	"  FROM list_subscribers m JOIN lists l ON l.id = m.list_id" \
	"  WHERE (SELECT s.status FROM subscribers s WHERE s.id = m.subscriber_id)" \
	"    = 'active' AND " member \
	" UNION ALL SELECT m.brand_id, 'tag', m.tag FROM subscriber_tags m WHERE " member
#define OF_IDS LINES(IDS("s.id"), IDS("m.subscriber_id"))

/* A JSON array of arrays as rows. */
#define ROWS(param) \
	"/*+lite json_each(" param ") j *//*+pg jsonb_array_elements(CAST(" param \
	" AS jsonb)) AS j(value) */"

#define SUM_OF(kind, what) \
	"(SELECT COALESCE(sum(n), 0) FROM people_counts" \
	"  WHERE brand_id = $1 AND kind = '" kind "'" what ")"

static const char *const sql[] = {
	[LOCK] = "SELECT s.id FROM subscribers s WHERE " IDS("s.id")
		 " ORDER BY s.id /*+pg FOR NO KEY UPDATE */",
	[NOTE] = "SELECT brand_id, kind, item, count(*) FROM (" OF_IDS ") x"
		 " GROUP BY brand_id, kind, item",
	/* In one order: two who settle cannot wait for each other crosswise. */
	[SETTLE] = "INSERT INTO people_counts (brand_id, kind, item, n)"
		   " SELECT brand_id, kind, item, CAST(sum(n) AS BIGINT) FROM ("
		   "  SELECT brand_id, kind, item, 1 AS n FROM (" OF_IDS ") x"
		   "  UNION ALL SELECT CAST(j.value ->> 0 AS BIGINT), j.value ->> 1,"
		   "    j.value ->> 2, - CAST(j.value ->> 3 AS BIGINT) FROM " ROWS("$2") ") y"
		   "  GROUP BY brand_id, kind, item HAVING sum(n) <> 0"
		   "  ORDER BY brand_id, kind, item"
		   " ON CONFLICT (brand_id, kind, item)"
		   "  DO UPDATE SET n = people_counts.n + excluded.n",
	[SUPPRESSED] = "INSERT INTO people_counts (brand_id, kind, item, n)"
		       " VALUES ($1, 'suppressed', '', $2)"
		       " ON CONFLICT (brand_id, kind, item)"
		       "  DO UPDATE SET n = people_counts.n + excluded.n",
	[FORGET_LIST] = "DELETE FROM people_counts WHERE brand_id = $1"
			" AND kind IN ('list', 'active') AND item = CAST($2 AS TEXT)",
	[TOTAL] = "SELECT " SUM_OF("status", "") ", "
		  SUM_OF("status", " AND item = 'active'") ", "
		  SUM_OF("day", " AND item > $2") ", " SUM_OF("suppressed", ""),
	/* What is left of a list that is gone is shown to nobody. */
	[CHECK] = "SELECT brand_id, kind, item, CAST(sum(told) AS BIGINT),"
		  "  CAST(sum(found) AS BIGINT) FROM ("
		  "  SELECT brand_id, kind, item, n AS told, 0 AS found FROM people_counts"
		  "   WHERE kind NOT IN ('list', 'active')"
		  "    OR item IN (SELECT CAST(id AS TEXT) FROM lists)"
		  "  UNION ALL SELECT brand_id, kind, item, 0, 1 FROM (" LINES("true", "true") ") x"
		  "  UNION ALL SELECT brand_id, 'suppressed', '', 0, 1 FROM suppressions) y"
		  " GROUP BY brand_id, kind, item HAVING sum(told) <> sum(found)"
		  " ORDER BY brand_id, kind, item LIMIT 100",
};
/* clang-format on */

enum err people_count_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

/*
 * The lock comes first: what another transaction is just changing would be noted as it
 * was.  SQLite has one writer anyway.
 */
static enum err lock(struct db *db, const int64_t *ids, size_t n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LOCK]);

	if (db_kind(db) == DB_SQLITE)
		return OK;
	ids_bind(s, 1, ids, n);
	return stmt_queue(s);
}

static void add_text(struct buf *b, const char *text)
{
	buf_char(b, '"');
	json_escape(b, text, strlen(text));
	buf_str(b, "\",");
}

/* [[brand, kind, item, n], ...] */
static enum err read_lines(struct stmt *s, struct buf *b)
{
	while (stmt_next(s)) {
		buf_printf(b, "%s[%lld,", b->len > 1 ? "," : "",
		    (long long)stmt_int(s, 0));
		add_text(b, stmt_text(s, 1));
		add_text(b, stmt_text(s, 2));
		buf_printf(b, "%lld]", (long long)stmt_int(s, 3));
	}
	return stmt_error(s);
}

enum err people_note(struct db *db, void *mem, const int64_t *ids, size_t n,
    const char **before)
{
	STMT_SCOPE s = db_stmt(db, &sql[NOTE]);
	struct buf *b = buf_new(mem);
	enum err e = n ? lock(db, ids, n) : OK;

	buf_char(b, '[');
	ids_bind(s, 1, ids, n);
	if (e == OK && n)
		e = read_lines(s, b);
	buf_char(b, ']');
	*before = b->data;
	return e;
}

enum err people_settle(struct db *db, const char *before, const int64_t *ids, size_t n)
{
	STMT_SCOPE s = db_stmt(db, &sql[SETTLE]);

	if (n == 0)
		return OK;
	ids_bind(s, 1, ids, n);
	stmt_bind_text(s, 2, before ? before : "[]");
	return stmt_queue(s);
}

enum err people_count_suppressed(struct db *db, int64_t brand, int by)
{
	STMT_SCOPE s = db_stmt(db, &sql[SUPPRESSED]);

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, by);
	return stmt_queue(s);
}

enum err people_count_forget_list(struct db *db, int64_t brand, int64_t list)
{
	STMT_SCOPE s = db_stmt(db, &sql[FORGET_LIST]);

	stmt_bind_int(s, 1, brand);
	stmt_bind_int(s, 2, list);
	return stmt_run(s);
}

enum err people_total(struct db *db, int64_t brand, int64_t since,
    struct people_total *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "total");
	STMT_SCOPE s = db_stmt(db, &sql[TOTAL]);
	enum err e;

	stmt_bind_int(s, 1, brand);
	stmt_bind_text(s, 2,
	    mem_printf(tmp, "%lld", (long long)since / DAY_MS + DAY_BASE));
	e = stmt_row(s);
	if (e == OK)
		*out = (struct people_total){
			.people = stmt_int(s, 0),
			.active = stmt_int(s, 1),
			.fresh = stmt_int(s, 2),
			.suppressed = stmt_int(s, 3),
		};
	return e;
}

enum err people_check(struct db *db, void *mem, struct people_fault **out, size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[CHECK]);

	*out = mem_array(mem, struct people_fault, PEOPLE_FAULTS);
	*n = 0;
	while (*n < PEOPLE_FAULTS && stmt_next(s))
		(*out)[(*n)++] = (struct people_fault){
			.brand = stmt_int(s, 0),
			.kind = stmt_copy(s, 1, mem),
			.item = stmt_copy(s, 2, mem),
			.told = stmt_int(s, 3),
			.found = stmt_int(s, 4),
		};
	return stmt_error(s);
}
