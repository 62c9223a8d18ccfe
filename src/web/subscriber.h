#pragma once

#include "http/router.h"

handler subscriber_index;
handler subscriber_new;
handler subscriber_make;
handler subscriber_put;
handler subscriber_show;
handler subscriber_edit;
handler subscriber_update;
handler subscriber_confirm_drop;
handler subscriber_drop;
handler subscriber_csv;

/*
 * Search and filters of the URL, answered as {items, next_cursor}; also on a list's
 * page.
 */
enum err subscriber_listing(struct request *rq, void *mem, int64_t list,
    struct json_object **out) MUST_CHECK;
/* Lists of the brand as [{id, name}], for boxes and menus. */
enum err subscriber_list_names(struct request *rq, void *mem,
    struct json_object **out) MUST_CHECK;
