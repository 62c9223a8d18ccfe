#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "db/db.h"
#include "model/brand.h"
#include "model/user.h"

enum err brand_prepare(struct db *db) MUST_CHECK;
enum err brand_get(struct db *db, void *mem, int64_t id, struct brand **out) MUST_CHECK;
/* The brand and the role of a user in it (ROLE_NONE if not a member). */
enum err brand_get_for(struct db *db, void *mem, int64_t id, int64_t user_id,
    struct brand **out, enum role *role) MUST_CHECK;
/* By the secret word in the address of its web hooks. */
enum err brand_by_hook(struct db *db, void *mem, const char *hook_token,
    struct brand **out) MUST_CHECK;
/* Brands by name that user_id is a member of; 0: every brand. At most 500. */
enum err brand_list(struct db *db, void *mem, int64_t user_id, struct brand **out,
    size_t *n) MUST_CHECK;
/* Fills b->id and the times. */
enum err brand_add(struct db *db, struct brand *b, int64_t now) MUST_CHECK;
enum err brand_set(struct db *db, struct brand *b, int64_t now) MUST_CHECK;

/* ---- members ---- */
enum err member_set(struct db *db, int64_t brand_id, int64_t user_id, enum role role,
    int64_t now) MUST_CHECK;
enum role role_from(const char *word); /* ROLE_NONE if unknown */
const char *role_word(enum role r);    /* "owner" ...; "" for ROLE_NONE */

/* ---- numbers of the overview page and of the side bar ---- */
struct brand_campaign { /* one of the last campaigns */
	int64_t id, audience, settled, accepted, send_at, started_at, finished_at,
	    updated_at;
	int64_t delivered, opened, machine_opened, clicked, machine_clicked, doubt;
	bool track_opens, track_clicks;
	const char *name, *status;
};
struct brand_overview {
	int64_t subscribers, active, lists, campaigns, new_30_days, suppressed;
	struct brand_campaign last[5];
	size_t nlast;
};
enum err brand_overview(struct db *db, void *mem, int64_t brand_id, int64_t now,
    struct brand_overview *out) MUST_CHECK;
struct brand_counts {
	int64_t subscribers, lists;
};
/* For the side bar of every page. */
enum err brand_counts(struct db *db, int64_t brand_id,
    struct brand_counts *out) MUST_CHECK;
