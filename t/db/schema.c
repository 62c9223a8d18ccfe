#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "dbtest.h"
#include "tap.h"

/*
 * The two schemas say the same: tables; columns with type, NOT NULL and default;
 * primary keys, uniques, foreign keys and indexes.  Each question gives lines on either
 * database.
 */
enum { COLUMNS, KEYS, REFERENCES, INDEXES, QUESTIONS };

static const char *const names[] = {
	[COLUMNS] = "columns",
	[KEYS] = "primary keys and uniques",
	[REFERENCES] = "foreign keys",
	[INDEXES] = "indexes",
};

static const char *const lite[] = {
	[COLUMNS] =
	    "SELECT t.name || '.' || c.name || ' ' || c.type"
	    "  || CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN ' NOT NULL' ELSE '' END"
	    "  || COALESCE(' DEFAULT ' || c.dflt_value, '')"
	    "  FROM sqlite_schema t, pragma_table_info(t.name) c"
	    " WHERE t.type = 'table' AND t.name <> 'sqlite_sequence'",
	[KEYS] = "SELECT name || ' PRIMARY ' || group_concat(col) FROM ("
		 "  SELECT t.name, c.name AS col"
		 "    FROM sqlite_schema t, pragma_table_info(t.name) c"
		 "   WHERE t.type = 'table' AND c.pk > 0 ORDER BY t.name, c.pk)"
		 " GROUP BY name"
		 " UNION ALL "
		 "SELECT name || ' UNIQUE ' || group_concat(col) FROM ("
		 "  SELECT t.name, i.name AS ix, c.name AS col FROM sqlite_schema t,"
		 "    pragma_index_list(t.name) i, pragma_index_info(i.name) c"
		 "   WHERE t.type = 'table' AND i.origin = 'u'"
		 "   ORDER BY t.name, i.name, c.seqno)"
		 " GROUP BY name, ix",
	[REFERENCES] = "SELECT t.name || '.' || f.\"from\" || ' -> ' || f.\"table\""
		       "  || '.' || f.\"to\""
		       "  || ' ' || f.on_delete"
		       "  FROM sqlite_schema t, pragma_foreign_key_list(t.name) f"
		       " WHERE t.type = 'table'",
	[INDEXES] =
	    "SELECT name || ' ' || ix || ' ' || group_concat(col) || partial FROM ("
	    "  SELECT t.name, i.name AS ix, c.name AS col,"
	    "    CASE WHEN i.partial = 1 THEN ' partial' ELSE '' END"
	    "    || CASE WHEN i.\"unique\" = 1 THEN ' unique' ELSE '' END AS partial"
	    "    FROM sqlite_schema t, pragma_index_list(t.name) i,"
	    "      pragma_index_info(i.name) c"
	    "   WHERE t.type = 'table' AND i.origin = 'c'"
	    "   ORDER BY t.name, i.name, c.seqno)"
	    " GROUP BY name, ix, partial",
};

/* Names of the columns numbered in an array, in its order. */
#define COLUMN_NAMES(array, table)                                                     \
	"(SELECT string_agg(a.attname::text, ',' ORDER BY o.n) FROM unnest(" array ")" \
	" WITH ORDINALITY AS o(num, n) JOIN pg_attribute a ON a.attrelid = " table     \
	" AND a.attnum = o.num)"

static const char *const pg[] = {
	[COLUMNS] =
	    "SELECT t.relname || '.' || a.attname || ' '"
	    "  || CASE format_type(a.atttypid, NULL)"
	    "    WHEN 'bigint' THEN CASE t.relname"
	    "      WHEN 'schema_migrations' THEN 'BIGINT' ELSE 'INTEGER' END"
	    "    WHEN 'double precision' THEN 'REAL' WHEN 'bytea' THEN 'BLOB'"
	    "    WHEN 'text' THEN 'TEXT' WHEN 'jsonb' THEN 'TEXT'"
	    "    WHEN 'smallint' THEN 'SMALLINT'"
	    "    ELSE format_type(a.atttypid, NULL) END"
	    "  || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END"
	    "  || COALESCE(' DEFAULT '"
	    "    || regexp_replace(pg_get_expr(d.adbin, d.adrelid),"
	    "     '::[a-z ]+$', ''), '')"
	    "  FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid"
	    "   AND a.attnum > 0"
	    "   AND NOT a.attisdropped AND a.attgenerated = ''"
	    "  LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum"
	    " WHERE t.relkind = 'r' AND t.relnamespace = 'public'::regnamespace",
	[KEYS] =
	    "SELECT t.relname"
	    "  || CASE c.contype WHEN 'p' THEN ' PRIMARY ' ELSE ' UNIQUE ' END"
	    "  || " COLUMN_NAMES("c.conkey",
		"t.oid") "  FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid"
			 " WHERE c.contype IN ('p', 'u')"
			 "   AND t.relnamespace = 'public'::regnamespace",
	[REFERENCES] = "SELECT t.relname || '.' || " COLUMN_NAMES("c.conkey",
	    "t.oid") "  || ' -> ' || r.relname || '.' || " COLUMN_NAMES("c.confkey",
	    "r.oid") "  || CASE c.confdeltype WHEN 'c' THEN ' CASCADE' WHEN 'n' THEN ' "
		     "SET NULL'"
		     "     WHEN 'a' THEN ' NO ACTION' ELSE c.confdeltype::text END"
		     "  FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid"
		     "  JOIN pg_class r ON r.oid = c.confrelid"
		     " WHERE c.contype = 'f' AND t.relnamespace = "
		     "'public'::regnamespace",
	[INDEXES] =
	    "SELECT t.relname || ' ' || x.relname || ' '"
	    "  || " COLUMN_NAMES("i.indkey::int2[]",
		"t.oid") "  || CASE WHEN i.indpred IS NOT NULL THEN ' partial' ELSE '' "
			 "END"
			 "  || CASE WHEN i.indisunique THEN ' unique' ELSE '' END"
			 "  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid"
			 "  JOIN pg_class t ON t.oid = i.indrelid"
			 " WHERE t.relnamespace = 'public'::regnamespace AND NOT EXISTS"
			 "  (SELECT 1 FROM pg_constraint c WHERE c.conindid = x.oid)",
};

static struct buf *answers[2][QUESTIONS];
static void *kept;

static void ask(struct dbtest *t)
{
	enum db_kind kind = db_kind(t->db);

	for (int i = 0; i < QUESTIONS; i++) {
		STMT_SCOPE s = db_stmt_text(t->db, kind == DB_SQLITE ? lite[i] : pg[i]);
		struct buf *b = buf_new(kept);

		while (stmt_next(s)) {
			buf_str(b, stmt_text(s, 0));
			buf_char(b, '\n');
		}
		ok(stmt_error(s) == OK && b->len > 0, "the %s can be read", names[i]);
		answers[kind][i] = b;
	}
}

/* Lines of a that b has not. */
static int missing(const char *a, const char *b, const char *where)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "lines");
	const char *all = mem_printf(tmp, "\n%s", b);
	int n = 0;

	for (const char *end; *a != '\0'; a = end + 1) {
		end = strchr(a, '\n');
		if (strstr(all, mem_printf(tmp, "\n%.*s\n", (int)(end - a), a)) != NULL)
			continue;
		diag("only %s: %.*s", where, (int)(end - a), a);
		n++;
	}
	return n;
}

static void compare(void)
{
	for (int i = 0; i < QUESTIONS; i++) {
		const char *a = answers[DB_SQLITE][i]->data,
			   *b = answers[DB_POSTGRES][i]->data;

		ok(missing(a, b, "SQLite") + missing(b, a, "PostgreSQL") == 0,
		    "the two schemas have the same %s", names[i]);
	}
}

int main(void)
{
	kept = mem_scope(NULL, "schema");
	dbtest_run(ask);
	if (answers[DB_POSTGRES][0] != NULL)
		compare();
	mem_free(kept);
	return done_testing();
}
