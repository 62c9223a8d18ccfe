#pragma once

#include <json-c/json.h>
#include <stdbool.h>

#include "db/db.h"

/* Messages the local outbox provider kept instead of sending: what a newcomer reads. */
enum err outbox_prepare(struct db *db) MUST_CHECK;

struct outbox_message {
	int64_t id, brand_id;
	int64_t campaign_id, subscriber_id, delivery_id; /* 0: none */
	int tries;                                       /* of the delivery */
	const char *kind;                                /* campaign | test | system */
	const char *from_header; /* "Name <a@b>", as in the header, decoded */
	const char *to_email, *subject;
	const char *headers; /* JSON array of [name, value] */
	const char *html, *text;
	int64_t created_at;
	const char *campaign_name; /* where read; "" */
};

/*
 * Sets m->id. ERR_CONFLICT when this try of the delivery is there already: it was kept
 * before, all is well.
 */
enum err outbox_insert(struct db *db, struct outbox_message *m) MUST_CHECK;

/* Who looks, into which brand. */
struct outbox_view {
	int64_t brand;
	bool system; /* also the installation's own mails, which lead into accounts */
};

struct outbox_filter {
	int64_t campaign;   /* 0: any */
	const char *search; /* in address or subject; NULL or "": any */
	int64_t before;     /* cursor: ids below; 0: from the newest */
	int limit;
};
/* Newest first, without bodies and headers (text: its first 200 bytes). */
enum err outbox_page(struct db *db, void *mem, const struct outbox_view *v,
    const struct outbox_filter *f, struct outbox_message **out, size_t *n) MUST_CHECK;
/* ERR_NOTFOUND also when it is another brand's, or not for this view. */
enum err outbox_get(struct db *db, void *mem, const struct outbox_view *v, int64_t id,
    struct outbox_message **out) MUST_CHECK;
enum err outbox_count(struct db *db, const struct outbox_view *v,
    int64_t *out) MUST_CHECK;
/* The message before (newer) and after (older) this one; 0: none. */
enum err outbox_beside(struct db *db, const struct outbox_view *v, int64_t id,
    int64_t *newer, int64_t *older) MUST_CHECK;
