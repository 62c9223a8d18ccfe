#pragma once

#include "http/request.h"
#include "http/response.h"

/*
 * Nobody is signed in where somebody must be: the API is told how, a page is sent to
 * sign in, and who was writing gets back what they wrote.  ERR_UNAUTHENTICATED.
 */
enum err respond_signed_out(struct request *rq, struct response *rs) MUST_CHECK;
