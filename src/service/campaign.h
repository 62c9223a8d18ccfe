#pragma once

#include <json-c/json.h>

#include "base/form.h"
#include "model/brand.h"
#include "repo/campaign.h"

/*
 * The rules of campaigns.  Everything that is wrong is a sentence in the form;
 * ERR_INVALID then.  ERR_CONFLICT with a sentence at "status" (or "version") means that
 * the campaign is no longer what the caller saw.
 */

/*
 * Takes the fields of the API's POST; *out is owned by f. name is needed, the sender
 * defaults to the brand's.
 */
enum err campaign_create(struct db *db, const struct brand *b, int64_t user,
    int64_t now, struct form *f, struct campaign **out) MUST_CHECK;
/*
 * Changes the fields that are in the form, of a draft; of a paused campaign only the
 * content, for those who have not got it yet.  A template that does not
 * compile is kept: it is a draft.  "version" in the form, if given, must be c->version.
 */
enum err campaign_change(struct db *db, struct campaign *c, int64_t now,
    struct form *f) MUST_CHECK;
/* A new draft with the same content and audience, named "… (copy)". */
enum err campaign_copy(struct db *db, void *mem, const struct campaign *c, int64_t user,
    int64_t now, struct campaign **out) MUST_CHECK;
/*
 * A new draft with the content of c, to those who did not open c, or whom c was not
 * sent to any more.  ERR_CONFLICT with a sentence while c is under way.
 */
struct campaign_follower {
	enum audience_kind kind;
	int64_t user;
};
enum err campaign_follow(struct db *db, const struct campaign *c,
    const struct campaign_follower *w, int64_t now, struct campaign **out,
    struct form *f) MUST_CHECK;
enum err campaign_remove(struct db *db, struct campaign *c, struct form *f) MUST_CHECK;

/* ---- the checklist: made by send/check.h ---- */
enum check_level { CHECK_GOOD, CHECK_NOTE, CHECK_BLOCK };

struct check {
	const char *key; /* "subject", "sender" ... */
	enum check_level level;
	const char
	    *title; /* what was looked at, with the finding: "The subject is empty" */
	const char *todo;  /* sentence: what to do; "" when there is nothing to do */
	const char *where; /* step that mends it: "content", "audience", "brand",
			      "provider", "" */
	const char *part;  /* "html", "text", "subject", "from_email" ...; NULL: none */
	int line, column;  /* in that part; 0: none */
};
struct checklist {
	struct check *items;
	size_t n;
	size_t blocks, notes;
	int64_t reach; /* unique people who would get it now */
	size_t bytes;  /* of the HTML as it would leave, for an example person */
};

/* ---- the state machine ---- */
/* draft -> sending. What blocks in the list is refused with its sentences. */
enum err campaign_send(struct db *db, struct campaign *c, const struct checklist *l,
    int64_t now, struct form *f) MUST_CHECK;
struct campaign_time {
	int64_t at;
	const char *zone; /* the one the person chose in, kept for showing */
};
/* draft -> scheduled. */
enum err campaign_plan(struct db *db, struct campaign *c, const struct checklist *l,
    const struct campaign_time *when, int64_t now, struct form *f) MUST_CHECK;
/* sending -> paused; reason is shown: "Paused by Ines." */
enum err campaign_pause(struct db *db, struct campaign *c, const char *reason,
    int64_t now, struct form *f) MUST_CHECK;
/* paused -> sending. */
enum err campaign_resume(struct db *db, struct campaign *c, int64_t now,
    struct form *f) MUST_CHECK;
/*
 * scheduled -> draft; sending | paused -> cancelled.  When it returns no new mail of it
 * leaves; what is open of a large ledger is cancelled by the next slices.
 */
enum err campaign_cancel(struct db *db, struct campaign *c, int64_t now,
    struct form *f) MUST_CHECK;

/* What people decide about mails in doubt. */
enum doubt_action { DOUBT_GIVE_UP, DOUBT_SEND_AGAIN };
extern const char *const doubt_action_words[];
struct doubt_wish {
	enum doubt_action action;
	bool given_up;  /* about people who were given up; else those in doubt */
	int64_t *ids;   /* of recipients */
	size_t n;       /* 0: all of them */
	const char *by; /* the name of who decides; not read */
};
enum { DOUBT_IDS_MAX = 500 };
/* Reads action, state, ids and all; ERR_INVALID with sentences. Owned by mem. */
enum err doubt_wish_read(struct form *f, void *mem, struct doubt_wish *out) MUST_CHECK;
/* *decided: how many were still in that state. */
enum err campaign_decide(struct db *db, const struct campaign *c,
    const struct doubt_wish *w, int64_t now, int64_t *decided,
    struct form *f) MUST_CHECK;

/* ---- as JSON; all owned by mem ---- */
/* {audience, pending ... given_up, left, settled} */
struct json_object *counts_json(void *mem, const struct delivery_counts *n);
/*
 * The terms of the sum for partials/sum: [{key, label, value}].  Cancelled and given up
 * are there when not zero; retry is part of left.
 */
struct json_object *sum_json(void *mem, const struct delivery_counts *n);
struct json_object *stats_json(void *mem, const struct campaign_stats *s);
/*
 * What the rates of a campaign are shares of: those delivered where the provider tells
 * of deliveries, else those accepted; but never fewer than those whose mail was opened,
 * for an event may come before the word of its delivery.  *name, if not NULL:
 * "delivered", "accepted" or "reached".
 */
int64_t stats_base(const struct campaign_stats *s, int64_t accepted, const char **name);
/* Every field but html and text. */
struct json_object *campaign_head_json(void *mem, const struct campaign *c);
/* The whole campaign: fields, status, counts, stats. */
enum err campaign_json(struct db *db, void *mem, const struct campaign *c,
    struct json_object **out) MUST_CHECK;
/* [{key, level: good | note | block, title, todo, where, line, column}] */
struct json_object *checks_json(void *mem, const struct check *items, size_t n);
/* {ready, blocks, notes, reach, bytes, items} */
struct json_object *checklist_json(void *mem, const struct checklist *l);
