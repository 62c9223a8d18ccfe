#pragma once

#include "http/router.h"
#include "send/check.h"
#include "service/campaign.h"

/* The campaign of /brands/{}/campaigns/{}, owned by rq. */
enum err campaign_find(struct request *rq, struct campaign **out) MUST_CHECK;
/* What the checklist and previews look at it with. */
struct check_view campaign_view(const struct request *rq);
/*
 * Answers with the campaign after a change; where a page goes on says `step` ("" is the
 * campaign itself).
 */
enum err campaign_answer(struct request *rq, struct response *rs,
    const struct campaign *c, const char *step) MUST_CHECK;
/*
 * What a failed change answers: a conflict of states sends a page to the campaign as it
 * is now, with the sentence; the API gets 409 with it.
 */
enum err campaign_refuse(struct request *rq, struct response *rs,
    const struct campaign *c, enum err e) MUST_CHECK;
/* [{id, name, chosen, without}] of the brand's lists, for choosing and for naming. */
enum err campaign_lists(struct request *rq, const struct campaign *c,
    struct json_object **out) MUST_CHECK;
/* {to, without}: the names of the chosen lists, "A + B". */
void campaign_names(void *mem, struct json_object *lists, struct json_object *into);
/* {subject, subject_varies}: as an example person reads it, and whether that is not
 * all. */
void campaign_name_subject(struct request *rq, const struct campaign *c,
    struct json_object *into);
/* {to} of a campaign that follows another one. */
enum err campaign_name_parent(struct request *rq, const struct campaign *c,
    struct json_object *into) MUST_CHECK;
/* Adds to rs->extra how many a campaign that follows this one would reach. */
enum err campaign_add_followers(struct request *rq, struct response *rs,
    const struct campaign *c) MUST_CHECK;
/* The address of a step of it; "" is the campaign itself. */
const char *campaign_path(void *mem, const struct campaign *c, const char *step);
/* The terms of the sum, each with the address of its recipients. */
struct json_object *campaign_sum(void *mem, const struct campaign *c,
    const struct delivery_counts *n);
/*
 * Recipients a second that the account of its brand allows, and what of that is used
 * now that it is throttled; null when there is no limit, or none is known.
 */
enum err campaign_add_rate(struct request *rq, struct json_object *o,
    const struct campaign *c) MUST_CHECK;
/* Fills rs->extra of campaign/live. */
enum err campaign_live(struct request *rq, struct response *rs,
    const struct campaign *c) MUST_CHECK;
/* Who asks, for people: "Ines", "the API key “shop”". */
const char *campaign_caller(struct request *rq);
/* Rows of a page of a list: ?limit=, at most 200. */
int page_limit(struct request *rq, int dflt);

handler campaign_index;
handler campaign_new;
handler campaign_make;
handler campaign_show;
handler campaign_confirm_drop;
handler campaign_drop;
handler campaign_duplicate;
handler campaign_follow_up;
handler campaign_do_pause;
handler campaign_do_resume;
handler campaign_confirm_cancel;
handler campaign_do_cancel;
