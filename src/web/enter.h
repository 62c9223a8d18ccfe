#pragma once

#include "http/request.h"
#include "http/response.h"
#include "model/user.h"

/* Begins a session for u and sets its cookie; the session the browser had before ends.
 */
enum err enter_as(struct request *rq, struct response *rs,
    const struct user *u) MUST_CHECK;
