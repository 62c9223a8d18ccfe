#include "repo/api_key.h"

#include <string.h>

#include "base/mem.h"

enum { ADD, FIND, LIST, LIST_ALL, BY_ID, USED, REVOKE };

enum { LIST_MAX = 200 };

/* A key is revoked with the key that made it, and so on upwards. */
#define REVOKED                                                                        \
	"COALESCE(k.revoked_at, (WITH RECURSIVE up(parent_id, revoked_at) AS ("        \
	"  SELECT p.parent_id, p.revoked_at FROM api_keys p WHERE p.id = k.parent_id"  \
	"  UNION ALL SELECT p.parent_id, p.revoked_at FROM api_keys p"                 \
	"    JOIN up ON p.id = up.parent_id)"                                          \
	"  SELECT min(up.revoked_at) FROM up))"

#define COLUMNS                                                                        \
	"k.id, k.brand_id, k.user_id, k.name, k.prefix, k.scopes, k.created_at,"       \
	" k.last_used_at, k.expires_at, " REVOKED                                      \
	", k.parent_id, u.email, u.is_admin,"                                          \
	" u.disabled_at, m.role"

#define KEYS                                                                           \
	"  FROM api_keys k LEFT JOIN users u ON u.id = k.user_id"                      \
	"  LEFT JOIN members m ON m.brand_id = k.brand_id AND m.user_id = k.user_id"

static const char *const sql[] = {
	[ADD] =
	    "INSERT INTO api_keys (brand_id, user_id, name, prefix, key_hash, scopes,"
	    "  created_at, expires_at, parent_id)"
	    "  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
	[FIND] = "SELECT " COLUMNS KEYS " WHERE k.key_hash = $1",
	[LIST] = "SELECT " COLUMNS KEYS
		 " WHERE k.brand_id = $1 ORDER BY k.id DESC LIMIT 200",
	[LIST_ALL] = "SELECT " COLUMNS KEYS " WHERE k.id > $1 ORDER BY k.id LIMIT 200",
	[BY_ID] =
	    "SELECT " COLUMNS KEYS "  WHERE COALESCE(k.brand_id, 0) = $1 AND k.id = $2",
	[USED] = "UPDATE api_keys SET last_used_at = $2 WHERE id = $1",
	[REVOKE] = "UPDATE api_keys SET revoked_at = coalesce(revoked_at, $3)"
		   "  WHERE COALESCE(brand_id, 0) = $1 AND id = $2 RETURNING id",
};

static const struct {
	unsigned bit;
	const char *word;
} scopes[] = { { SCOPE_READ, "read" }, { SCOPE_WRITE, "write" }, { SCOPE_SEND, "send" },
	{ SCOPE_TRANSACTIONAL, "transactional" }, { SCOPE_MANAGE, "manage" } };

enum err api_key_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

char *scopes_text(void *mem, unsigned bits)
{
	char *t = mem_str(mem, "");

	for (size_t i = 0; i < sizeof(scopes) / sizeof(*scopes); i++) {
		if (bits & scopes[i].bit)
			t = mem_printf(mem, "%s%s%s", t, *t ? "," : "", scopes[i].word);
	}
	return t;
}

static unsigned scope_bit(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(scopes) / sizeof(*scopes); i++) {
		if (strlen(scopes[i].word) == len &&
		    strncmp(scopes[i].word, word, len) == 0)
			return scopes[i].bit;
	}
	return 0;
}

bool scopes_from(const char *text, unsigned *bits)
{
	*bits = 0;
	while (*text) {
		size_t n = strcspn(text, ", ");
		unsigned bit = scope_bit(text, n);

		if (n > 0 && !bit)
			return false;
		*bits |= bit;
		text += n;
		text += strspn(text, ", ");
	}
	return true;
}

static void read_key(struct stmt *s, void *mem, struct api_key *k)
{
	k->id = stmt_int(s, 0);
	k->brand_id = stmt_int(s, 1);
	k->user_id = stmt_int(s, 2);
	k->name = stmt_copy(s, 3, mem);
	k->prefix = stmt_copy(s, 4, mem);
	if (!scopes_from(stmt_text(s, 5), &k->scopes))
		k->scopes = 0;
	k->created_at = stmt_int(s, 6);
	k->last_used_at = stmt_int(s, 7);
	k->expires_at = stmt_int(s, 8);
	k->revoked_at = stmt_int(s, 9);
	k->parent_id = stmt_int(s, 10);
	k->user_email = stmt_copy(s, 11, mem);
	k->user_admin = stmt_int(s, 12) != 0;
	k->user_there = k->user_id && stmt_is_null(s, 13) &&
	    (k->brand_id == 0 || k->user_admin || !stmt_is_null(s, 14));
}

static enum err read_one(struct stmt *s, void *mem, struct api_key **out)
{
	enum err e = stmt_row(s);

	if (e == OK) {
		*out = mem_new(mem, struct api_key);
		read_key(s, *out, *out);
	}
	return e;
}

enum err api_key_add(struct db *db, struct api_key *k, const uint8_t key_hash[32])
{
	STMT_SCOPE s = db_stmt(db, &sql[ADD]);
	MEM_SCOPE void *tmp = mem_scope(NULL, "api_key_add");
	enum err e;

	stmt_bind_opt(s, 1, k->brand_id);
	stmt_bind_opt(s, 2, k->user_id);
	stmt_bind_text(s, 3, k->name);
	stmt_bind_text(s, 4, k->prefix);
	stmt_bind_blob(s, 5, key_hash, 32);
	stmt_bind_text(s, 6, scopes_text(tmp, k->scopes));
	stmt_bind_int(s, 7, k->created_at);
	stmt_bind_opt(s, 8, k->expires_at);
	stmt_bind_opt(s, 9, k->parent_id);
	e = stmt_row(s);
	if (e == OK)
		k->id = stmt_int(s, 0);
	return e;
}

enum err api_key_find(struct db *db, void *mem, const uint8_t key_hash[32],
    struct api_key **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[FIND]);

	stmt_bind_blob(s, 1, key_hash, 32);
	return read_one(s, mem, out);
}

static enum err read_list(struct stmt *s, void *mem, struct api_key **out, size_t *n)
{
	*out = mem_array(mem, struct api_key, LIST_MAX);
	*n = 0;
	while (*n < LIST_MAX && stmt_next(s))
		read_key(s, *out, &(*out)[(*n)++]);
	return stmt_error(s);
}

enum err api_key_list(struct db *db, void *mem, int64_t brand_id, struct api_key **out,
    size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LIST]);

	stmt_bind_int(s, 1, brand_id);
	return read_list(s, mem, out, n);
}

enum err api_key_list_all(struct db *db, void *mem, int64_t after, struct api_key **out,
    size_t *n)
{
	STMT_SCOPE s = db_stmt(db, &sql[LIST_ALL]);

	stmt_bind_int(s, 1, after);
	return read_list(s, mem, out, n);
}

enum err api_key_get(struct db *db, void *mem, int64_t brand_id, int64_t id,
    struct api_key **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[BY_ID]);

	stmt_bind_int(s, 1, brand_id);
	stmt_bind_int(s, 2, id);
	return read_one(s, mem, out);
}

enum err api_key_used(struct db *db, int64_t id, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[USED]);

	stmt_bind_int(s, 1, id);
	stmt_bind_int(s, 2, now);
	return stmt_run(s);
}

enum err api_key_revoke(struct db *db, int64_t brand_id, int64_t id, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[REVOKE]);

	stmt_bind_int(s, 1, brand_id);
	stmt_bind_int(s, 2, id);
	stmt_bind_int(s, 3, now);
	return stmt_row(s);
}
