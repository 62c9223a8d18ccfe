#pragma once

#include "http/router.h"

/* GET /auth/{provider}: to Supabase and its provider; query: next, link. */
handler supabase_go;
/* GET /auth/callback: back from there. */
handler supabase_callback;

/* ---- linking: on the person's own account ---- */
handler supabase_link_show;
/* The password, then a choice of providers. Field: current_password. */
handler supabase_link_begin;
handler supabase_link_end;
/* The account that the query `link` of supabase_go links, 0 without one.
 * ERR_FORBIDDEN: not a good one. */
enum err link_of(struct request *rq, int64_t *user) MUST_CHECK;
/* Names for the page of the account: `providers`, and whether it is `linked`. */
enum err link_extra(struct request *rq, struct json_object *extra) MUST_CHECK;
