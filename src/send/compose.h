#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"
#include "model/brand.h"
#include "model/campaign.h"
#include "model/contact.h"
#include "send/message.h"

/*
 * A campaign's content, compiled once and filled per recipient.  Subject, HTML and text
 * become lists of pieces: static bytes (also kept escaped for JSON) and slots.  In the
 * HTML every trackable link is a slot (a signed click address per recipient), the pixel
 * is one, and what the author forgot is added: unsubscribe link and postal address, in
 * both bodies; a text body made from the HTML when there is none.  The text body has
 * the addresses themselves, the same to which the signed ones lead.
 *
 * Names an author may use: email, first_name, last_name, tags, every custom field by
 * its key (and as fields.<key>), unsubscribe_url, postal_address, brand_name,
 * campaign_name.
 */
enum compose_mode {
	COMPOSE_SEND,    /* tracked, links numbered for campaign_links */
	COMPOSE_TEST,    /* untracked; unsubscribe link of campaign 0; subject begins
			    "[Test] " */
	COMPOSE_PREVIEW, /* untracked; the unsubscribe link goes nowhere */
	COMPOSE_SYSTEM,  /* one of our own mails, made by send/system_mail */
};

struct compose_link {
	int number;      /* from 1 */
	const char *url; /* as written: may hold {{ merge tags }} */
	const char *label;
};

struct compose_source {
	const struct campaign *campaign;
	const struct brand *brand;
	const struct field
	    *fields; /* the brand's custom fields, for the check of names */
	size_t nfields;
	const char *public_url; /* config server.public_url */
	const struct keyring *keys;
	const struct compose_link
	    *known; /* links stored before: they keep their numbers */
	size_t nknown;
	enum compose_mode mode;
	int64_t now; /* "now" in Liquid */
};

/*
 * What the checklist says.  An error forbids sending; line and column are of the
 * author's text.
 */
enum problem_level { PROBLEM_NOTE, PROBLEM_WARNING, PROBLEM_ERROR };
struct compose_problem {
	enum problem_level level;
	const char *part; /* "subject" "preview_text" "html" "text" "from_email"
			     "postal_address" */
	int line, column; /* from 1; 0: the part as a whole */
	const char *text; /* a sentence */
};

struct content;

/*
 * Always gives a content, owned by mem.  ERR_INVALID when a problem of level error was
 * found: it still renders what it can in preview.  The source is copied where needed,
 * except keys.
 */
enum err content_compile(void *mem, const struct compose_source *src,
    struct content **out) MUST_CHECK;
size_t content_problems(const struct content *c, const struct compose_problem **out);
/*
 * The tracked links, by number: rows of campaign_links. None unless COMPOSE_SEND and
 * track_clicks.
 */
size_t content_links(const struct content *c, const struct compose_link **out);

/*
 * One whole message, owned by mem.  ERR_INVALID and a sentence when this recipient's
 * cannot be made.
 */
enum err content_message(const struct content *c, void *mem, const struct subscriber *s,
    struct message *out, const char **why) MUST_CHECK;

/*
 * Data of one recipient for Liquid (an object of the names above), owned by mem.
 */
struct json_object *merge_data(void *mem, const struct subscriber *s,
    const struct brand *b, const char *campaign_name, const char *unsubscribe_url);
/* {public_url}/u/{token} for this recipient. campaign 0: a test. */
char *unsubscribe_url(void *mem, const char *public_url, const struct keyring *k,
    int64_t campaign, int64_t subscriber);
