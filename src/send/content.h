#pragma once

#include <stdbool.h>

#include "base/token.h"
#include "send/compose.h"
#include "view/liquid.h"

/*
 * The inside of a compiled content, shared by compose (makes it), fill (fills it for
 * one recipient) and the providers (which write it straight into their own wire form).
 */
enum part_id { PART_SUBJECT, PART_HTML, PART_TEXT, PARTS };

enum piece_kind {
	PIECE_STATIC,
	PIECE_VALUE, /* an expression of the template: n is its slot */
	PIECE_CLICK, /* signed address of link n */
	PIECE_PIXEL, /* signed address of the open pixel */
	PIECE_LINK, /* an address with values, of its inner pieces; link n, 0: untracked
		     */
	PIECE_READ, /* the text of the finished HTML */
	PIECE_WHOLE, /* the part has tags: rendered as one, then its marks are replaced
		      */
};

struct piece {
	enum piece_kind kind;
	int n;
	const char *text,
	    *json; /* of PIECE_STATIC: as is, and as inside a JSON string */
	size_t len, json_len;
	struct piece *inner; /* of PIECE_LINK: static bytes and values */
	size_t ninner;
};

struct part {
	struct liquid *liquid; /* NULL: the part is empty */
	struct piece *pieces;
	size_t n;
	size_t size; /* bytes of static text */
};

struct content {
	struct compose_source
	    src; /* campaign, brand, fields, known: only while compiling */
	const char *public_url;
	struct token_signer *signer;
	enum compose_mode mode;
	int64_t campaign_id, brand_id, now;
	struct brand brand; /* copied: what merge_data needs */
	const char *campaign_name, *now_text, *today;
	const char *from_name, *from_email, *from, *reply_to, *list_id;
	struct part part[PARTS];
	bool has_html, needs_data;
	struct compose_problem *problems;
	size_t nproblems;
	bool failed;
	struct compose_link *links;
	size_t nlinks;
};

/*
 * Marks stand in the source where an address per recipient goes: MARK, kind, number,
 * MARK.  An address with values stands between LIQUID_ADDRESS and LIQUID_ADDRESS_END;
 * the number of its link and another LIQUID_ADDRESS_END follow.  These bytes are
 * removed from everything an author wrote.
 */
enum { MARK = 0x01 };
static inline bool content_is_mark(char c)
{
	return c >= MARK && c <= LIQUID_BRACE; /* whole mails are looked through */
}
/* The link of that number as it is stored, or NULL. */
const char *content_link_url(const struct content *c, int number);

/* ---- one recipient ---- */
struct fill {
	const struct content *c;
	void *mem;
	const struct subscriber *who;
	struct json_object *data; /* made when first needed */
	char *unsubscribe;
	struct buf *tmp;
	struct buf *address; /* of the link being filled */
	bool plain;          /* links are written as the addresses they lead to */
	const char *why;     /* sentence when something failed */
};

/* Begins filling for one recipient; everything is owned by mem. */
void fill_begin(struct fill *f, const struct content *c, void *mem,
    const struct subscriber *who);
/* The value of one piece that is not static, unescaped for JSON, appended to out. */
enum err fill_piece(struct fill *f, enum part_id part, const struct piece *p,
    struct buf *out) MUST_CHECK;
/* A whole part appended to out; json: as the inside of a JSON string. */
enum err fill_part(struct fill *f, enum part_id part, bool json,
    struct buf *out) MUST_CHECK;
/* The headers of this recipient's message. */
size_t fill_headers(struct fill *f, struct mail_header headers[MESSAGE_HEADERS]);
