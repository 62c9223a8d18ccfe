#pragma once

#include "http/request.h"
#include "http/response.h"
#include "model/user.h"

/* Where to go afterwards, by the field or the query `next`: a path of ours, never
 * another site. */
const char *next_of(struct request *rq);
/*
 * Begins a session for u and sets its cookie; the session the browser had before ends.
 * rq->caller is the new one's then.
 */
enum err enter_as(struct request *rq, struct response *rs,
    const struct user *u) MUST_CHECK;
