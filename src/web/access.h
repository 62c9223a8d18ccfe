#pragma once

#include "http/router.h"
#include "model/brand.h"
#include "model/user.h"

/*
 * What a route demands (route.access).  Brand permissions need a pattern that begins
 * with /brands/{}: that brand is loaded into rq->caller->brand, and a brand the caller
 * may not see is 404.  Roles: viewer < editor < admin < owner; an installation admin is
 * owner everywhere.  An API key has the role of its user at this moment and needs the
 * scope named here as well; `manage` counts only while its user is an owner.
 */
enum permission {
	ACCESS_PUBLIC = 1,   /* anybody: sign-in, tracking, health */
	ACCESS_SIGNED_IN,    /* any person or key; read */
	ACCESS_INSTALLATION, /* installation admin; write */
	VIEW_INSTALLATION,   /* installation admin; read */
	MANAGE_USERS,        /* installation admin; manage */
	ACCESS_CRON,         /* Bearer cron secret, else 404 */
	VIEW_BRAND,          /* viewer, read */
	VIEW_CONTACTS,       /* viewer, read */
	EDIT_CONTACTS,       /* editor, write */
	VIEW_CAMPAIGNS,      /* viewer, read */
	EDIT_CAMPAIGNS,      /* editor, write */
	SEND_CAMPAIGNS,      /* editor, send */
	MANAGE_BRAND,        /* admin, write: settings, provider */
	MANAGE_TEAM,         /* admin, manage: members, invitations, keys */
	VIEW_MANAGEMENT,     /* admin, read: team, keys, audit log */
	LEAVE_BRAND,         /* viewer, write; persons only */
	OWN_BRAND,           /* owner, manage */
	ACCESS_PERSON,       /* a person, about themselves; no key */
};

/* site.enter: session or bearer -> rq->caller, permission; of the head alone. */
enum err access_enter(struct request *rq, struct response *rs, const struct route *r);
/* site.admit: CSRF, Idempotency-Key. */
enum err access_admit(struct request *rq, struct response *rs);
/*
 * For an error page of an address that no route has: who the session says it is, and
 * the brand of the path if they may see it, so that the page keeps its side bar.
 */
void access_guess(struct request *rq);
/* site.leave: flash cookie of the next page, kept answer of an Idempotency-Key. */
void access_leave(struct request *rq, struct response *rs, enum err e);
/* What a route demands, as a sentence: "Needs the role editor; of a key the scope
 * write." */
const char *access_words(void *mem, const struct route *r);
/* Is it an administrator, or a key of one for all brands? */
bool caller_administers(const struct caller *c);
/* site.act */
enum err access_act(struct request *rq, struct response *rs);

/*
 * Adds a line to the audit log for a change: every handler that changed something does,
 * and every action has its words in service/audit_words.c.  detail (may be NULL) is
 * what the words need; its name or email is kept as the name of the object.  Whatever
 * in it looks like a secret is left out.  In a ROUTE_WHOLE the line and the change are
 * kept or undone together; elsewhere a line that cannot be written is logged as
 * audit.lost, with all it says.
 */
void audit(struct request *rq, const char *action, int64_t object,
    struct json_object *detail);
/* As audit, where all there is to say of the object is its name. */
void audit_name(struct request *rq, const char *action, int64_t object,
    const char *name);
/* As audit, of a brand that is not the route's; 0: none. */
void audit_in(struct request *rq, int64_t brand, const char *action, int64_t object,
    struct json_object *detail);
/* Nothing was changed by this request: without it, a line is missed (audit.missing). */
void audit_nothing(struct request *rq);
