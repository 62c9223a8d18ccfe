#pragma once

#include <json-c/json.h>

#include "base/form.h"
#include "model/brand.h"
#include "repo/campaign.h"

/*
 * The rules of campaigns.  Everything that is wrong is a sentence in the form; ERR_INVALID
 * then.  ERR_CONFLICT with a sentence at "status" (or "version") means that the campaign is
 * no longer what the caller saw.
 */

/* Takes the fields of the API's POST; name is needed, the sender defaults to the brand's. */
enum err campaign_create(struct db *db, void *mem, const struct brand *b, int64_t user,
    int64_t now, struct form *f, struct campaign **out) MUST_CHECK;
/*
 * Changes the fields that are in the form, of a draft.  A template that does not compile is
 * kept: it is a draft.  "version" in the form, if given, must be c->version.
 */
enum err campaign_change(struct db *db, struct campaign *c, int64_t now, struct form *f) MUST_CHECK;
/* A new draft with the same content and audience, named "… (copy)". */
enum err campaign_copy(struct db *db, void *mem, const struct campaign *c, int64_t user,
    int64_t now, struct campaign **out) MUST_CHECK;
enum err campaign_remove(struct db *db, struct campaign *c, struct form *f) MUST_CHECK;

/* ---- the checklist ---- */
enum check_level { CHECK_GOOD, CHECK_NOTE, CHECK_BLOCK };

struct check {
	const char *key;		/* "subject", "sender" ... */
	enum check_level level;
	const char *title;		/* what was looked at, with the finding: "The subject is empty" */
	const char *todo;		/* sentence: what to do; "" when there is nothing to do */
	const char *where;		/* step that mends it: "content", "audience", "brand", "provider", "" */
	int line, column;		/* in the template; 0: none */
};
struct checklist {
	struct check *items;
	size_t n;
	size_t blocks, notes;
	int64_t reach;			/* unique people who would get it now */
	size_t bytes;			/* of the HTML as compiled */
};

struct keyring;
/* What the checklist and the sending rules look at besides the campaign. */
struct campaign_view {
	const struct brand *brand;
	const struct keyring *keys;
	const char *public_url;
	int64_t now;
};
/* One list for page, API and sending: what blocks here is refused there. */
enum err campaign_check(struct db *db, void *mem, const struct campaign_view *v,
    const struct campaign *c, struct checklist *out) MUST_CHECK;
/* Only what is wrong with subject, HTML and text as templates: for the editor. Never fails. */
void campaign_problems(struct db *db, void *mem, const struct campaign_view *v,
    const struct campaign *c, struct check **out, size_t *n);

/* ---- the state machine ---- */
/* draft -> sending. */
enum err campaign_send(struct db *db, void *mem, const struct campaign_view *v, struct campaign *c,
    struct form *f) MUST_CHECK;
/* draft -> scheduled at `at`; zone is the one the person chose in, kept for showing. */
enum err campaign_plan(struct db *db, void *mem, const struct campaign_view *v, struct campaign *c,
    int64_t at, struct form *f) MUST_CHECK;
/* sending -> paused; reason is shown: "Paused by Ines." */
enum err campaign_pause(struct db *db, struct campaign *c, const char *reason, int64_t now,
    struct form *f) MUST_CHECK;
/* paused -> sending. */
enum err campaign_resume(struct db *db, struct campaign *c, int64_t now, struct form *f) MUST_CHECK;
/* scheduled -> draft; sending | paused -> cancelled. */
enum err campaign_cancel(struct db *db, struct campaign *c, int64_t now, struct form *f) MUST_CHECK;

/* ---- as JSON ---- */
/* {audience, pending, claimed ... given_up, left, settled} */
struct json_object *counts_json(void *mem, const struct delivery_counts *n);
struct json_object *stats_json(void *mem, const struct campaign_stats *s);
/* The whole campaign: fields, status, counts, stats. */
enum err campaign_json(struct db *db, void *mem, const struct campaign *c, struct json_object **out)
    MUST_CHECK;
struct json_object *checklist_json(void *mem, const struct checklist *l);
/* Unique reachable people now. */
enum err audience_count(struct db *db, const struct campaign *c, int64_t *out) MUST_CHECK;
