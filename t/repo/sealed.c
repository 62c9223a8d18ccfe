#include "repo/sealed.h"

#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "dbtest.h"
#include "service/sealed.h"
#include "tap.h"

/* Bytes that are no secrets: hashes, and what was uploaded. */
static const char *const others[] = { "sessions.token_hash", "api_keys.key_hash",
	"import_chunks.data", "idempotency_keys.request_hash", "invitations.token_hash",
	"password_resets.token_hash", "recovery_codes.code_hash" };

static const char lite[] =
    "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c"
    "  WHERE m.type = 'table' AND c.type = 'BLOB' ORDER BY 1";
static const char postgres[] =
    "SELECT table_name || '.' || column_name FROM information_schema.columns"
    "  WHERE table_schema = current_schema() AND data_type = 'bytea' ORDER BY 1";

static bool listed(void *mem, const char *name)
{
	const struct sealed_column *all;
	size_t n = sealed_columns(&all);

	for (size_t i = 0; i < n; i++)
		if (strcmp(name,
			mem_printf(mem, "%s.%s", all[i].table, all[i].column)) == 0)
			return true;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(name, others[i]) == 0)
			return true;
	return false;
}

/* A column of bytes that is new has to be put into one of the two lists. */
static void test_columns(struct dbtest *t)
{
	STMT_SCOPE s =
	    db_stmt_text(t->db, db_kind(t->db) == DB_SQLITE ? lite : postgres);
	const struct sealed_column *all;
	size_t seen = 0;

	while (stmt_next(s)) {
		ok(listed(t->mem, stmt_text(s, 0)),
		    "%s is known as sealed, or as no secret", stmt_text(s, 0));
		seen++;
	}
	ok(stmt_error(s) == OK &&
		seen == sizeof(others) / sizeof(*others) + sealed_columns(&all),
	    "... and every name of the lists is a column");
}

static void add_keys(struct keyring *k, int n)
{
	*k = (struct keyring){ .nbox = (size_t)n };
	for (int i = 0; i < n; i++) {
		k->box[i].key[0] = k->box[i].id[0] = (uint8_t)(n - i);
	}
}

static void put(struct dbtest *t, const struct keyring *k, size_t column, int64_t id)
{
	const struct sealed_column *all;
	struct sealed_value *v, fresh = { .id = id };
	size_t n;

	sealed_columns(&all);
	fresh.box = secret_seal(t->mem, k,
	    mem_printf(t->mem, "%s%lld", all[column].context, (long long)id), "words",
	    &fresh.len);
	ok(sealed_page(t->db, t->mem, column, id - 1, &v, &n) == OK && n > 0 &&
		sealed_replace(t->db, column, &v[0], &fresh) == OK,
	    "sealed_replace writes %s.%s", all[column].table, all[column].column);
	ok(sealed_replace(t->db, column, &v[0], &fresh) == ERR_NOTFOUND,
	    "... only over what was read");
}

static const char rows[] =
    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
    "  VALUES (7, 'B', 't', 1, 1);"
    "INSERT INTO providers (brand_id, secret, updated_at)"
    "  VALUES (7, /*+lite x'00'*/ /*+pg '\\x00'*/, 1);"
    "INSERT INTO users (id, email, email_key, totp_secret, created_at, updated_at)"
    "  VALUES (8, 'a', 'a', /*+lite x'00'*/ /*+pg '\\x00'*/, 1, 1),"
    "         (9, 'b', 'b', NULL, 1, 1);"
    "INSERT INTO sessions (id, user_id, token_hash, csrf, supabase, created_at,"
    "  seen_at, expires_at)"
    "  VALUES (3, 8, /*+lite x'01'*/ /*+pg '\\x01'*/, 'c',"
    "          /*+lite x'00'*/ /*+pg '\\x00'*/, 1, 1, 1);";

static void test_renewing(struct dbtest *t)
{
	struct keyring old, both, fresh;
	struct sealed_count n;

	add_keys(&old, 1);
	add_keys(&both, 2);
	fresh = (struct keyring){ .nbox = 1, .box = { both.box[0] } };
	dbtest_script(t->db, rows);
	put(t, &old, 0, 7);
	put(t, &old, 1, 3);
	put(t, &old, 2, 8);
	ok(sealed_look(t->db, &old, &n) == OK && n.newest == 3 && !n.older &&
		!n.unreadable,
	    "sealed_look opens all");
	ok(sealed_look(t->db, &fresh, &n) == OK && n.unreadable == 3,
	    "sealed_look says what no key opens");
	ok(sealed_look(t->db, &both, &n) == OK && n.older == 3 && !n.newest,
	    "sealed_look says what an older key opens");
	ok(sealed_renew(t->db, &fresh, &n) == OK && n.unreadable == 3,
	    "sealed_renew leaves what it cannot open");
	ok(sealed_look(t->db, &old, &n) == OK && n.newest == 3, "... as it was");
	ok(sealed_renew(t->db, &both, &n) == OK && n.newest == 3 && !n.older,
	    "sealed_renew seals all anew");
	ok(sealed_look(t->db, &fresh, &n) == OK && n.newest == 3 && !n.unreadable,
	    "... by the new key alone");
	ok(sealed_look(t->db, &old, &n) == OK && n.unreadable == 3,
	    "... the old one opens none");
	put(t, &old, 2, 8);
	ok(sealed_renew(t->db, &both, &n) == OK && n.newest == 3,
	    "sealed_renew goes on with the rest when it is run again");
	ok(sealed_look(t->db, &fresh, &n) == OK && n.newest == 3,
	    "... of which none is left");
}

int main(void)
{
	dbtest_run(test_columns);
	dbtest_run(test_renewing);
	return done_testing();
}
