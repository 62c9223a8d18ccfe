#pragma once

#include <json-c/json.h>

#include "app.h"
#include "model/brand.h"

/*
 * One of our own mails to one person: an invitation, a link for a new password, a
 * notice.  It leaves at once through the provider of the brand that
 * service/system_sender names, outside the ledger, untracked and without a word about
 * unsubscribing.  The template is a page of templates/mail that begins with
 * {% layout "layout_mail" %}: escaped like any page; the text body is made from it.
 */
struct system_mail {
	const char *template;     /* "mail/reset" */
	const char *to;           /* address */
	const char *subject;      /* at most SUBJECT_MAX characters are used */
	struct json_object *data; /* names of the template; `public_url` is added */
};

/*
 * Tries for some seconds, three times at most; what the provider leaves in doubt is
 * sent again: better twice than never.  ERR_NOTFOUND: no brand can send. ERR_INVALID:
 * subject or address is unfit for a header (a line break, a control character).
 * ERR_IO: the provider refused or did not answer.  *why: a sentence for a person, owned
 * by mem.
 */
enum err system_mail_send(struct app *app, void *mem, const struct system_mail *m,
    const char **why) MUST_CHECK;
/* The sender's address: `[mail] system_from`, else the brand's. */
const char *system_mail_from(const struct app *app, const struct brand *b);
