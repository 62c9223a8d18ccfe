#pragma once

#include "http/router.h"

/*
 * Makes what a handler left complete: status, headers and body, as router.h says.  e is
 * what the handler said.
 */
void answer(const struct site *site, struct request *rq, struct response *rs,
    enum err e);
