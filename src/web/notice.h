#pragma once

#include "http/request.h"
#include "http/response.h"
#include "model/user.h"

/*
 * Tells a person by mail, once the answer has left, that their account was changed.
 * what: a sentence or two. u is owned by rq.
 */
void notice_later(struct request *rq, struct response *rs, const struct user *u,
    const char *subject, const char *what);
