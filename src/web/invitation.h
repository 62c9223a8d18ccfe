#pragma once

#include <json-c/json.h>

#include "http/router.h"

/* ---- by the team ---- */
handler invitation_index;
handler invitation_create;
handler invitation_again;
handler invitation_withdraw;
/* For the page of the team: `invitations` and `may_give`, the roles the caller may
 * give.
 */
enum err invitations_extra(struct request *rq, struct json_object *extra) MUST_CHECK;

/* ---- by who got the link ---- */
handler invitation_show;
handler invitation_take;
