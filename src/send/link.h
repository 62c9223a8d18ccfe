#pragma once

#include <json-c/json.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/token.h"

/*
 * What a link is and where it leads: one rule for composer, click, text and checklist,
 * that of browsers (the URL Standard of WHATWG).
 */
enum link_kind {
	LINK_NONE,     /* empty, or "#..." */
	LINK_WEB,      /* http or https, however it is written */
	LINK_MERGED,   /* begins with a merge tag or a condition */
	LINK_OTHER,    /* another scheme: mailto, tel ... */
	LINK_RELATIVE, /* nothing a mail can lead to */
};

/*
 * As a browser reads an attribute: no white space and controls around it, no tab or
 * line end in it, except in merge tags.
 */
char *link_trim(void *mem, const char *written);
/* Of a trimmed link. */
enum link_kind link_kind(const char *link);
bool link_is_merged(const char *link); /* has merge tags or conditions */
/*
 * The address in ASCII, which means to a browser what was written: the host in IDNA
 * form, all else that needs it percent-encoded.  NULL if it is no address of the web.
 */
char *link_ascii(void *mem, const char *address);
/*
 * The address behind a stored link for one recipient: merge tags filled in, each value
 * percent-encoded by where it stands.  ERR_INVALID unless the outcome is an address of
 * the web.
 */
enum err link_fill(void *mem, const char *link, struct json_object *data,
    char **out) MUST_CHECK;
/*
 * Fills in what a token has of an address: between the beginning and the end that it
 * shares with the stored link.  `between` points into the address.
 */
void link_cut(const char *stored, const char *address, struct token *t);
/* The address again; NULL if the token does not fit to that link. */
char *link_join(void *mem, const char *stored, const struct token *t);
/*
 * A text part with every address of it that has merge tags between LIQUID_ADDRESS and
 * its end, so that values in it are encoded as in the HTML.
 */
char *link_mark_text(void *mem, const char *text);
