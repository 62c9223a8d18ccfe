#pragma once

#include "http/router.h"

/* The one table of everything that can be asked, pages and API alike. */
extern const struct route routes[];
extern const size_t route_count;

/*
 * Fills `page` (me, brand, brands, csrf, flash, path, form, errors, now ...) and
 * renders.
 */
void page_render(struct request *rq, struct response *rs, enum err e);
