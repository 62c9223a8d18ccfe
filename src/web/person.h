#pragma once

#include "http/router.h"
#include "model/contact.h"

/* What the pages of one subscriber show besides the model, into rs->extra. */

/* fields [{key, label, type, choices}] and lists [{id, name}]: for the form. */
enum err person_form(struct request *rq, struct response *rs) MUST_CHECK;
/* The above, and suppression, consents, deliveries, events. */
enum err person_page(struct request *rq, struct response *rs,
    const struct subscriber *s) MUST_CHECK;
