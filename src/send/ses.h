#pragma once

#include "send/content.h"
#include "send/provider.h"

/* Pieces of the SES provider: what is written, and what an answer means. */

enum { SES_ENTRIES = 50, SES_DATA_MAX = 250000, SES_TEMPLATE_MAX = 480000 };

/* ---- what an answer means (SES API v2, common errors) ---- */
struct ses_verdict {
	enum outcome outcome;
	const char *reason;     /* owned by mem */
	const char *message_id; /* of an accepted message */
};
/*
 * status: HTTP; type: x-amzn-ErrorType or NULL; body: the answer. For SendEmail, and
 * for a bulk call that failed whole.
 */
struct ses_verdict ses_answer(void *mem, long status, const char *type,
    const char *body, size_t len);
/*
 * One entry of a bulk answer: Status, in the wire's or the prose's spelling, MessageId
 * and Error; "" and NULL where they are missing.
 */
struct ses_verdict ses_entry(void *mem, const char *status, const char *id,
    const char *said);

/* ---- what is written ---- */
struct ses_writer {
	const char *configuration_set;
	void *mem; /* of one message: freed by the caller after each */
};
/* Body of SendEmail for one message. ERR_INVALID and *why: this one cannot be made. */
enum err ses_single(const struct ses_writer *w, struct outgoing *o, struct buf *b,
    const char **why) MUST_CHECK;

/*
 * A content as an inline SES template with numbered variables; made once per content.
 */
struct ses_template;
/* NULL when the content is too large for a template. */
struct ses_template *ses_template_new(void *mem, const struct content *c);
/* The beginning of a SendBulkEmail body; then entries; then the end. */
void ses_bulk_begin(const struct ses_writer *w, const struct ses_template *t,
    struct buf *b);
/* ERR_TOO_LARGE: send it alone. Nothing is added unless OK. */
enum err ses_bulk_entry(const struct ses_writer *w, const struct ses_template *t,
    struct outgoing *o, bool first, struct buf *b, const char **why) MUST_CHECK;
void ses_bulk_end(const struct ses_writer *w, struct buf *b);
