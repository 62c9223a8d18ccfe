#include "repo/provider.h"

#include <stddef.h>

#include "base/mem.h"
#include "base/text.h"

enum { READ, PUT, FORGET, ACCOUNT };

static const char *const sql[] = {
	[READ] =
	    "SELECT brand_id, kind, mode, region, endpoint, configuration_set, rate,"
	    "  access_key_id, secret, account_key, max_rate, max_day, sent_day,"
	    "  account_json, checked_at, updated_at FROM providers WHERE brand_id = $1",
	[PUT] =
	    "INSERT INTO providers (brand_id, kind, mode, region, endpoint,"
	    "  configuration_set, rate, access_key_id, secret, account_key, updated_at)"
	    "  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
	    "  ON CONFLICT (brand_id) DO UPDATE SET kind = excluded.kind,"
	    "  mode = excluded.mode, region = excluded.region,"
	    "  endpoint = excluded.endpoint,"
	    "  configuration_set = excluded.configuration_set, rate = excluded.rate,"
	    "  access_key_id = excluded.access_key_id, secret = excluded.secret,"
	    "  account_key = excluded.account_key,"
	    /* always another: whoever sends sees by it that this has changed */
	    "  updated_at = CASE WHEN excluded.updated_at > providers.updated_at"
	    "    THEN excluded.updated_at ELSE providers.updated_at + 1 END",
	/* what another account said is worth nothing */
	[FORGET] = "UPDATE providers SET max_rate = 0, max_day = 0, sent_day = 0,"
		   "  account_json = '{}', checked_at = NULL"
		   "  WHERE brand_id = $1 AND account_key <> $2",
	[ACCOUNT] = "UPDATE providers SET max_rate = $2, max_day = $3, sent_day = $4,"
		    "  account_json = $5, checked_at = $6 WHERE brand_id = $1",
};

static const char
    *const kinds[] = { [PROVIDER_OUTBOX] = "outbox", [PROVIDER_SES] = "ses" };
static const char *const
    modes[] = { [SEND_AUTO] = "auto", [SEND_BULK] = "bulk", [SEND_SINGLE] = "single" };

enum err provider_prepare(struct db *db)
{
	return db_prepare(db, sql, sizeof(sql) / sizeof(*sql));
}

const char *provider_kind_word(enum provider_kind k)
{
	return kinds[k];
}

const char *send_mode_word(enum send_mode m)
{
	return modes[m];
}

static enum send_mode mode_from(const char *word)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (text_equal(word, modes[i]))
			return (enum send_mode)i;
	}
	return SEND_AUTO;
}

static struct provider_settings *read_row(struct stmt *s, void *mem)
{
	struct provider_settings *p = mem_new(mem, struct provider_settings);
	const void *secret;
	size_t len;

	p->brand_id = stmt_int(s, 0);
	p->kind = text_equal(stmt_text(s, 1), "ses") ? PROVIDER_SES : PROVIDER_OUTBOX;
	p->mode = mode_from(stmt_text(s, 2));
	p->region = stmt_copy(s, 3, p);
	p->endpoint = stmt_copy(s, 4, p);
	p->configuration_set = stmt_copy(s, 5, p);
	p->rate = stmt_double(s, 6);
	p->access_key_id = stmt_copy(s, 7, p);
	secret = stmt_blob(s, 8, &len);
	if (secret && len > 0) {
		p->secret = mem_copy(p, secret, len);
		p->secret_len = len;
	}
	p->account_key = stmt_copy(s, 9, p);
	p->max_rate = stmt_double(s, 10);
	p->max_day = stmt_double(s, 11);
	p->sent_day = stmt_double(s, 12);
	p->account_json = stmt_copy(s, 13, p);
	p->checked_at = stmt_int(s, 14);
	p->updated_at = stmt_int(s, 15);
	return p;
}

enum err provider_settings_get(struct db *db, void *mem, int64_t brand_id,
    struct provider_settings **out)
{
	STMT_SCOPE s = db_stmt(db, &sql[READ]);
	enum err e;

	stmt_bind_int(s, 1, brand_id);
	e = stmt_row(s);
	if (e == OK)
		*out = read_row(s, mem);
	return e;
}

static enum err put(struct db *db, const struct provider_settings *p, int64_t now)
{
	STMT_SCOPE s = db_stmt(db, &sql[PUT]);

	stmt_bind_int(s, 1, p->brand_id);
	stmt_bind_text(s, 2, kinds[p->kind]);
	stmt_bind_text(s, 3, modes[p->mode]);
	stmt_bind_text(s, 4, p->region);
	stmt_bind_text(s, 5, p->endpoint);
	stmt_bind_text(s, 6, p->configuration_set);
	stmt_bind_double(s, 7, p->rate);
	stmt_bind_text(s, 8, p->access_key_id);
	if (p->secret)
		stmt_bind_blob(s, 9, p->secret, p->secret_len);
	else
		stmt_bind_null(s, 9);
	stmt_bind_text(s, 10, p->account_key);
	stmt_bind_int(s, 11, now);
	return stmt_run(s);
}

static enum err forget(struct db *db, const struct provider_settings *p)
{
	STMT_SCOPE s = db_stmt(db, &sql[FORGET]);

	stmt_bind_int(s, 1, p->brand_id);
	stmt_bind_text(s, 2, p->account_key);
	return stmt_run(s);
}

enum err provider_settings_put(struct db *db, const struct provider_settings *p,
    int64_t now)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = forget(db, p);
	if (e == OK)
		e = put(db, p, now);
	return e == OK ? tx_commit(&tx) : e;
}

enum err provider_settings_account(struct db *db, const struct provider_settings *p)
{
	STMT_SCOPE s = db_stmt(db, &sql[ACCOUNT]);

	stmt_bind_int(s, 1, p->brand_id);
	stmt_bind_double(s, 2, p->max_rate);
	stmt_bind_double(s, 3, p->max_day);
	stmt_bind_double(s, 4, p->sent_day);
	stmt_bind_text(s, 5, p->account_json ? p->account_json : "{}");
	stmt_bind_opt(s, 6, p->checked_at);
	return stmt_run(s);
}
