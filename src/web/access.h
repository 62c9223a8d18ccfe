#pragma once

#include "http/router.h"
#include "model/brand.h"
#include "model/user.h"

/*
 * What a route demands (route.access).  Brand permissions need a pattern that begins
 * with /brands/{}: that brand is loaded into rq->caller->brand, and a brand the caller
 * may not see is 404.  Roles: viewer < editor < admin < owner; an installation admin is
 * owner everywhere. API keys need the scope named here as well.
 */
enum permission {
	ACCESS_PUBLIC = 1,   /* anybody: sign-in, tracking, health */
	ACCESS_SIGNED_IN,    /* any person or key; read */
	ACCESS_INSTALLATION, /* installation admin */
	ACCESS_CRON,         /* Bearer cron secret, else 404 */
	VIEW_BRAND,          /* viewer, read */
	VIEW_CONTACTS,       /* viewer, read */
	EDIT_CONTACTS,       /* editor, write */
	VIEW_CAMPAIGNS,      /* viewer, read */
	EDIT_CAMPAIGNS,      /* editor, write */
	SEND_CAMPAIGNS,      /* editor, send */
	MANAGE_BRAND,        /* admin, write: settings, provider, keys */
};

/* site.enter: session or bearer -> rq->caller, permission, CSRF. */
enum err access_enter(struct request *rq, struct response *rs, const struct route *r);
/*
 * For an error page of an address that no route has: who the session says it is, and
 * the brand of the path if they may see it, so that the page keeps its side bar.
 */
void access_guess(struct request *rq);
/* site.leave: flash cookie of the next page, kept answer of an Idempotency-Key. */
void access_leave(struct request *rq, struct response *rs, enum err e);
/* Adds a line to audit_log for a change; errors are logged only. detail may be NULL. */
void audit(const struct request *rq, const char *action, int64_t object,
    struct json_object *detail);
