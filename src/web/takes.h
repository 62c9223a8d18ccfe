#pragma once

#include "http/router.h"

/*
 * site.takes: what web/openapi_words.c says of the route, and for a page what only
 * pages send.  NULL for raw routes, whose bodies others decide.
 */
const char *web_takes(struct request *rq, const char **silent);
