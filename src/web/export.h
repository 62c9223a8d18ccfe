#pragma once

#include "base/slot.h"
#include "http/request.h"
#include "http/response.h"

/*
 * Two exports of a brand run at a time on a host, and two of what is of no brand.
 * ERR_LIMITED with a sentence where there are two already.  Hold it while writing:
 *
 *	SLOT_SCOPE slot = { .fd = -1 };
 *	enum err e = export_begin(rq, rs, &slot);
 */
enum err export_begin(struct request *rq, struct response *rs,
    struct slot *slot) MUST_CHECK;
