#pragma once

#include "base/buf.h"
#include "db/db.h"

enum err suppression_prepare(struct db *db) MUST_CHECK;

/*
 * An address of a brand that gets no mail. It outlives the subscriber and every import.
 */
struct suppression {
	int64_t brand_id;
	const char *email_key;
	const char *reason; /* unsubscribed bounced complained manual */
	const char *detail;
	int64_t created_at;
	int64_t subscriber; /* who has the address now; 0: nobody. Of a page only. */
};

/* ERR_NOTFOUND: may be mailed. */
enum err suppression_get(struct db *db, void *mem, int64_t brand, const char *key,
    struct suppression **out) MUST_CHECK;
/*
 * If there is one already the graver reason stays: unsubscribed, which people undo
 * themselves, before bounced before complained; else the first.
 */
enum err suppression_add(struct db *db, const struct suppression *x) MUST_CHECK;
/* rows: [[email_key, reason], ...], each as suppression_add does it; in a transaction.
 */
enum err suppression_add_many(struct db *db, int64_t brand, const struct buf *rows,
    const char *detail, int64_t now) MUST_CHECK;
/* Lifts it, if the reason is `reason`; *lifted tells. */
enum err suppression_lift(struct db *db, int64_t brand, const char *key,
    const char *reason, bool *lifted) MUST_CHECK;

/* What a page of suppressions shows. */
struct suppression_filter {
	int64_t brand;
	const char *reason; /* NULL: any */
	const char *search; /* start of an address; NULL: any */
	/*
	 * Keyset: newest first, those before this time and key; when searching in the
	 * order of addresses, those after this key.  0 and NULL: from the first.
	 */
	int64_t before;
	const char *before_key;
	int64_t since; /* 0: of any time */
	size_t limit;
};
/* An array owned by mem that ends with email_key NULL; `subscriber` is filled in. */
enum err suppression_page(struct db *db, void *mem, const struct suppression_filter *f,
    struct suppression **out, size_t *n) MUST_CHECK;
