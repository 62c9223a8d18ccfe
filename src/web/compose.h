#pragma once

#include "http/router.h"
#include "model/campaign.h"
#include "model/contact.h"

/* The four steps of a draft. */
handler compose_audience;
handler compose_choose;
handler compose_count; /* people of a choice not yet saved */
handler compose_content;
handler compose_save; /* PATCH of the campaign: content, from page or API */
handler compose_checklist;
handler compose_when; /* the page to send or schedule from */
handler compose_send;
handler compose_schedule;
/* The mail as one person gets it: a document of its own, for a sandboxed frame. */
handler compose_preview;
handler compose_test_page;
handler compose_test;

/* Fills model and extra that every step shows: the campaign, its reach, the step. */
enum err compose_fill(struct request *rq, struct response *rs, const struct campaign *c,
    const char *step) MUST_CHECK;
/* Sets `people`: some of the brand's newest, to fill merge tags with. */
enum err compose_people(struct request *rq, struct response *rs,
    int64_t brand) MUST_CHECK;
/* That subscriber of the brand, or an example for 0. */
enum err compose_person(struct request *rq, int64_t id,
    struct subscriber **out) MUST_CHECK;
