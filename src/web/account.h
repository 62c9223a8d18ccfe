#pragma once

#include "http/router.h"
#include "model/user.h"

/* A person's own account. */
handler account_show;
handler account_rename;
handler account_password;
handler account_sessions; /* API: the list */
handler account_end_session;
handler account_end_others;
/* The account of who calls, with what only it may know. */
enum err account_user(struct request *rq, struct user **out) MUST_CHECK;
