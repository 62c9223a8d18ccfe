#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * One mail, composed: what a provider is given and what the outbox shows.  Text is
 * UTF-8, not yet encoded for the wire.  No field that becomes a header holds a control
 * character (message_check); bodies may hold any text.
 */
struct mail_header {
	const char *name, *value; /* value: printable ASCII, at most HEADER_VALUE_MAX */
};

enum { MESSAGE_HEADERS = 8, HEADER_VALUE_MAX = 870, ADDRESS_MAX = 254 };

struct message {
	const char *from;     /* "Name" <address>, or the address alone */
	const char *to;       /* address */
	const char *reply_to; /* address, or "" */
	const char *subject;
	const char *html, *text; /* html "" for a text-only mail; text is never empty */
	size_t html_len, text_len;
	struct mail_header headers[MESSAGE_HEADERS];
	size_t nheaders;
};

/* ERR_INVALID and a sentence when a header field would be unfit for a header. */
enum err message_check(const struct message *m, const char **why) MUST_CHECK;
/* The same of a mail that is to be sent: its subject says something, too. */
enum err message_ready(const struct message *m, const char **why) MUST_CHECK;
/* "Name" <address>: quoted where needed; UTF-8 kept. */
char *message_address(void *mem, const char *name, const char *address);
/*
 * For a header field: text that is not ASCII, or looks like words of RFC 2047, as such
 * words.
 */
char *message_words(void *mem, const char *text);
/* The same for the wire: a name that is not ASCII becomes RFC 2047 words. */
char *message_address_ascii(void *mem, const char *name, const char *address);
