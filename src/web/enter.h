#pragma once

#include "http/request.h"
#include "http/response.h"
#include "model/user.h"

/* Where to go afterwards, by the field or the query `next`: a path of ours, never
 * another site. */
const char *next_of(struct request *rq);
/* The names of the providers of Supabase Auth; empty without it. Owned by rq. */
struct json_object *oauth_providers(struct request *rq);
/*
 * Begins a session for u and sets its cookie; the session the browser had before ends.
 * rq->caller is the new one's then.
 */
enum err enter_as(struct request *rq, struct response *rs,
    const struct user *u) MUST_CHECK;
/*
 * u gave the right password: begins the session and goes to `next`, or, where there is
 * a second factor, asks for its code first.
 */
enum err enter_or_ask(struct request *rq, struct response *rs, const struct user *u,
    const char *next) MUST_CHECK;
/*
 * The session goes on under another cookie and another token of forms: what it proves
 * has changed.
 */
enum err enter_again(struct request *rq, struct response *rs) MUST_CHECK;
