#include "repo/idempotency.h"

#include <string.h>

#include "base/mem.h"

enum { BEGIN, READ, END, DROP, SWEEP };

static const char *const sql[] = {
	[BEGIN] = "INSERT INTO idempotency_keys (caller, key, request_hash, created_at)"
		  "  VALUES ($1, $2, $3, $4)",
	[READ] = "SELECT request_hash, status, body, created_at FROM idempotency_keys"
		 "  WHERE caller = $1 AND key = $2",
	[END] = "UPDATE idempotency_keys SET status = $3, body = $4"
		"  WHERE caller = $1 AND key = $2",
	[DROP] = "DELETE FROM idempotency_keys WHERE caller = $1 AND key = $2",
	[SWEEP] =
	    "DELETE FROM idempotency_keys WHERE"
	    " /*+lite (caller, key) IN (SELECT caller, key */"
	    " /*+pg ctid = ANY(ARRAY(SELECT ctid */"
	    " FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT 500"
	    " /*+lite ) *//*+pg )) */",
};

enum err idempotency_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

enum err idempotency_begin(struct db *db, const char *caller, const char *key,
    const uint8_t request_hash[32], int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[BEGIN]);

	stmt_bind_text(s, 1, caller);
	stmt_bind_text(s, 2, key);
	stmt_bind_blob(s, 3, request_hash, 32);
	stmt_bind_int(s, 4, now);
	return stmt_run(s);
}

enum err idempotency_get(struct db *db, void *mem, const char *caller, const char *key,
    struct idempotency *out)
{
	STMT_SCOPE s = db_stmt(db, &sql[READ]);
	const void *hash;
	size_t len;
	enum err e;

	stmt_bind_text(s, 1, caller);
	stmt_bind_text(s, 2, key);
	e = stmt_row(s);
	if (e != OK)
		return e;
	memset(out, 0, sizeof(*out));
	hash = stmt_blob(s, 0, &len);
	if (len == sizeof(out->request_hash))
		memcpy(out->request_hash, hash, len);
	out->status = (int)stmt_int(s, 1);
	out->body = stmt_copy(s, 2, mem);
	out->created_at = stmt_int(s, 3);
	return OK;
}

enum err idempotency_end(struct db *db, const char *caller, const char *key, int status,
    const char *body)
{
	STMT_SCOPE s = db_stmt(db, &sql[END]);

	stmt_bind_text(s, 1, caller);
	stmt_bind_text(s, 2, key);
	stmt_bind_int(s, 3, status);
	stmt_bind_text(s, 4, body);
	return stmt_run(s);
}

enum err idempotency_drop(struct db *db, const char *caller, const char *key)
{
	STMT_SCOPE s = db_stmt(db, &sql[DROP]);

	stmt_bind_text(s, 1, caller);
	stmt_bind_text(s, 2, key);
	return stmt_run(s);
}

enum err idempotency_sweep(struct db *db, int64_t before)
{
	STMT_SCOPE s = db_stmt(db, &sql[SWEEP]);

	stmt_bind_int(s, 1, before);
	return stmt_run(s);
}
