#pragma once

#include "http/request.h"
#include "http/response.h"

/* A sentence for the next page, in a cookie with a MAC that lives for a minute. */
void flash_put(struct request *rq, struct response *rs, const char *text);
/* The sentence left by the page before, or NULL; and takes the cookie away. */
const char *flash_take(struct request *rq, struct response *rs);
