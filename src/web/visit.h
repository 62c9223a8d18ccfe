#pragma once

#include "http/request.h"
#include "service/auth.h"

#define SESSION_COOKIE "ml_session"
#define KNOWN_COOKIE "ml_known"     /* this browser has signed in before */
#define PENDING_COOKIE "ml_pending" /* between the two steps of signing in */

/* What the rules of signing in need of a request. */
struct visit visit_of(const struct request *rq);
