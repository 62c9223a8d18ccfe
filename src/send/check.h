#pragma once

#include "base/crypto.h"
#include "db/db.h"
#include "model/brand.h"
#include "model/contact.h"
#include "send/compose.h"
#include "service/campaign.h"

/* What a campaign is looked at with: who sends, by which installation, when. */
struct check_view {
	struct db *db;
	const struct brand *brand;
	const struct keyring *keys;
	const char *public_url;
	int64_t now;
};

/*
 * Compiles the content with the brand's fields. As content_compile: always gives one,
 * unless the database fails.
 */
enum err check_compile(void *mem, const struct check_view *v, const struct campaign *c,
    enum compose_mode mode, struct content **out) MUST_CHECK;
/*
 * The checklist, one for page, API and sending: subject, sender, audience, content,
 * merge tags, unsubscribe link, postal address, text, pictures, links, size.
 */
enum err campaign_check(void *mem, const struct check_view *v, const struct campaign *c,
    struct checklist *out) MUST_CHECK;
/* Only what is wrong with the templates, with line and column: for the editor. */
enum err campaign_problems(void *mem, const struct check_view *v,
    const struct campaign *c, struct check **out, size_t *n) MUST_CHECK;
/* Someone to fill the merge tags with when nobody is chosen: an example, id 0. */
struct subscriber *example_person(void *mem, const struct brand *b);
/*
 * Three people to try a mail with: all fields filled, none, and the oddest values.
 * Strings are static or owned by mem.
 */
enum { EXAMPLE_ALL, EXAMPLE_NONE, EXAMPLE_ODD, EXAMPLES };
void example_people(void *mem, int64_t brand, const struct field *fields, size_t n,
    struct subscriber out[EXAMPLES]);
/*
 * The subject as the example reads it; as it was written when it has no merge tags or
 * cannot be made.  content may be NULL: then it is compiled if need be.
 */
const char *example_subject(void *mem, const struct check_view *v,
    const struct campaign *c, const struct content *content);
/*
 * A template that can be compiled may still make no mail, for want of a value or for
 * doing too much.  NULL when it makes one for the example (or cannot be compiled);
 * otherwise why not, and whether it makes none for somebody of the audience either.
 */
const char *example_fails(void *mem, const struct check_view *v,
    const struct campaign *c, const struct content *content, bool *for_none);
