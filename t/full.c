#include "full.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "dbtest.h"

const struct full_table full_tables[] = {
	{ "audit_log", "brand_id user_id" },
	{ "campaign_clients", "" },
	{ "campaign_counts", "" },
	{ "campaign_hours", "" },
	{ "campaign_links", "" },
	{ "campaign_stats", "" },
	{ "campaign_subscribers", "campaign_id state rare reason" },
	{ "campaigns", "brand_id on_doubt parent_id" },
	{ "consents", "brand_id action source campaign_id" },
	{ "email_events", "brand_id campaign_id type machine link" },
	{ "hook_messages", "brand_id" },
	{ "idempotency_keys", "caller" },
	{ "import_chunks", "import_id" },
	{ "import_refusals", "import_id reason" },
	{ "imports", "brand_id state" },
	{ "invitations", "brand_id role" },
	{ "list_subscribers", "list_id" },
	{ "outbox_messages", "brand_id campaign_id kind" },
	{ "password_resets", "" },
	{ "people_counts", "brand_id" },
	{ "recovery_codes", "" },
	{ "send_attempts", "campaign_id outcome cause" },
	{ "send_batches", "campaign_id owner" },
	{ "sessions", "" },
	{ "spool_files", "" },
	{ "subscriber_tags", "brand_id tag" },
	{ "subscribers", "brand_id status" },
	{ "suppressions", "brand_id reason" },
	{ "users", "is_admin disabled_at" },
	{ NULL, NULL },
};

const struct full_table *full_table(const char *name, size_t n)
{
	for (const struct full_table *t = full_tables; t->name != NULL; t++)
		if (strlen(t->name) == n && strncmp(t->name, name, n) == 0)
			return t;
	return NULL;
}

#define BYTES(text)                                                                    \
	"/*+lite CAST(" text " AS BLOB) *//*+pg convert_to(" text ", 'UTF8') */"
#define PERSON "'p' || i || '@x.example'"

/*
 * What is inserted: table and columns, how many rows for n = 100, and the values of row
 * i.  In this order, for some hang on others; ids are 1, 2, 3 ...
 */
struct fill {
	const char *into;
	int hundredth;
	const char *values;
};

static const struct fill fills[] = {
	{ "brands (name, hook_token, created_at, updated_at)", 0,
	    "'Brand ' || i, 'hook' || i, 0, 0" },
	{ "users (email, email_key, created_at, updated_at)", 10,
	    PERSON ", " PERSON ", 0, 0" },
	{ "sessions (user_id, token_hash, csrf, created_at, seen_at, expires_at)", 50,
	    "1 + (i - 1) / 5, " BYTES("'token' || i") ", 'c', 0, 4000000000000,"
						      " 4000000000000" },
	{ "password_resets (token_hash, user_id, created_at, expires_at)", 10,
	    BYTES("'word' || i") ", i, 0, 4000000000000" },
	{ "recovery_codes (user_id, code_hash)", 50,
	    "1 + (i - 1) / 5, " BYTES("'code' || i") },
	{ "members (brand_id, user_id, role, created_at)", 0, "1, i, 'owner', 0" },
	{ "invitations (brand_id, email, email_key, role, token_hash, created_at,"
	  " expires_at)",
	    10, "1, " PERSON ", " PERSON ", 'viewer', " BYTES("'t' || i") ", 0, 0" },
	{ "lists (brand_id, name, created_at, updated_at)", 0,
	    "1, 'List ' || i, 0, 0" },
	{ "subscribers (brand_id, email, email_key, status, created_at, updated_at)",
	    100, "1, " PERSON ", " PERSON ", 'active', 0, 0" },
	{ "list_subscribers (list_id, subscriber_id, created_at)", 100, "1, i, 0" },
	{ "subscriber_tags (subscriber_id, brand_id, tag)", 100,
	    "i, 1, 'tag' || (i % 20)" },
	{ "people_counts (brand_id, kind, item, n)", 20, "1, 'tag', 't' || i, 1" },
	{ "consents (brand_id, subscriber_id, action, source, created_at)", 100,
	    "1, i, 'subscribed', 'import', 0" },
	{ "suppressions (brand_id, email_key, reason, created_at)", 50,
	    "1, 'gone' || i || '@x.example', 'bounced', 0" },
	{ "imports (brand_id, file_name, state, size, created_at)", 10,
	    "1, 'f', 'done', 1, 0" },
	{ "import_chunks (import_id, number, data)", 20,
	    "1 + (i - 1) / 5, i, " BYTES("'x'") },
	{ "import_refusals (import_id, row, reason, content)", 50,
	    "1 + (i - 1) / 5, i, 'r', 'c'" },
	{ "campaigns (brand_id, name, status, on_doubt, audience, frozen_at,"
	  " created_at, updated_at)",
	    20,
	    "1, 'C' || i, CASE i WHEN 2 THEN 'paused' ELSE 'completed' END,"
	    " 'hold', 1, 1, 0, 0" },
	{ "campaign_counts (campaign_id, state, n)", 40,
	    "1 + (i - 1) / 2, 4 - 4 * (i % 2), 1" },
	{ "campaign_stats (campaign_id)", 20, "i" },
	{ "campaign_hours (campaign_id, hour)", 20, "1 + (i - 1) / 5, i" },
	{ "campaign_clients (campaign_id, client)", 10,
	    "1 + (i - 1) / 5, 'Client ' || i" },
	{ "campaign_links (campaign_id, number, url)", 10,
	    "1 + (i - 1) / 5, i, 'https://x.example/' || i" },
	{ "campaign_subscribers (id, campaign_id, subscriber_id, email_key, state,"
	  " tries, message_id, settled_at)",
	    100, "4294967296 + i, 1, i, " PERSON ", 4, 1, 'm' || i, 1" },
	{ "campaign_subscribers (id, campaign_id, subscriber_id, email_key)", 100,
	    "8589934592 + i, 2, i, " PERSON },
	{ "send_cursors (campaign_id, next_id)", 0, "i, i * 4294967296 + 1" },
	{ "send_attempts (campaign_id, delivery_id, try, started_at, finished_at,"
	  " outcome, message_id)",
	    100, "1, 4294967296 + i, 1, 0, 1, 4, 'm' || i" },
	{ "send_batches (campaign_id, started_at, left_open, deliveries)", 20,
	    "1, 0, 0, '[]'" },
	{ "email_events (brand_id, campaign_id, subscriber_id, type, link, at)", 200,
	    "1, 1, 1 + i / 2, 1 + i % 2, i % 2, 0" },
	{ "email_events (brand_id, campaign_id, subscriber_id, type, at, effect)", 50,
	    "1, 1, i, 3, 0, 'e' || i" },
	{ "spool_files (name, position, updated_at)", 10, "'spool' || i, 0, 0" },
	{ "outbox_messages (brand_id, campaign_id, subscriber_id, delivery_id, try,"
	  " kind, from_header, to_email, subject, headers, html, body_text, "
	  "created_at)",
	    50,
	    "1, 1 + (i - 1) / 5, i, -i, 1, 'campaign', '', " PERSON
	    ", 's', '[]', '', '', 0" },
	{ "idempotency_keys (caller, key, request_hash, created_at)", 50,
	    "'user1', 'key' || i, " BYTES("'h'") ", 4000000000000" },
	{ "audit_log (brand_id, user_id, action, at)", 100, "1, 1, 'list.create', 0" },
	{ "hook_messages (brand_id, message_id, at)", 100,
	    "1, 'm' || i, 4000000000000" },
};

static void fill_one(struct db *db, const struct fill *f, int n)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "fill");
	int rows = f->hundredth ? n / 100 * f->hundredth : 5;

	dbtest_script(db,
	    mem_printf(tmp,
		"INSERT INTO %s WITH RECURSIVE g(i) AS"
		" (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < %d)"
		" SELECT %s FROM g",
		f->into, rows, f->values));
}

void full_fill(struct db *db, int n)
{
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	for (size_t i = 0; i < sizeof(fills) / sizeof(*fills) && e == OK; i++)
		fill_one(db, &fills[i], n);
	if (e == OK)
		e = tx_commit(&tx);
	if (e != OK)
		dbtest_script(db, "the database was not filled");
}
