#pragma once

#include "http/request.h"
#include "http/response.h"
#include "model/user.h"

/*
 * Idempotency-Key on POSTs of the API.  The first request with a key is worked on and
 * its answer kept for a day (only if it succeeded; a failed one may be tried again).
 * The same request again gets that answer; another request with the key, 422; one while
 * the first is still being worked on, 409.
 */
enum err idempotency_enter(struct request *rq, struct response *rs,
    struct caller *c) MUST_CHECK;
/* With the answer complete: keeps or forgets it. */
void idempotency_leave(struct request *rq, struct response *rs, enum err e);
