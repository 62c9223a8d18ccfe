#pragma once

#include <stddef.h>

#include "db/db.h"

enum { AUDIT_PAGE_MAX = 500 };

/* A line of the audit log. It is written once and never changed. */
struct audit_line {
	int64_t id;
	int64_t brand_id, user_id, key_id; /* 0: none */
	const char *actor, *actor_email;   /* who, as they were called then */
	const char *action;                /* "campaign.send" */
	int64_t object_id;
	const char *label;  /* name of the object then */
	const char *detail; /* JSON object */
	const char *ip, *agent;
	const char *brand; /* its name now; "" if it is gone (reading only) */
	int64_t at;
};

struct audit_filter {
	int64_t brand_id;     /* 0: of the whole installation */
	const char *person;   /* part of name or address; "" anybody */
	const char *noun;     /* "campaign": actions that begin with it; "" all */
	const char *about;    /* part of the object's name; "" all */
	int64_t object_id;    /* 0: any */
	int64_t from, before; /* UTC ms, before exclusive; 0: open */
	int64_t cursor;       /* id: lines older than it; 0: from the newest */
	int limit;            /* at most AUDIT_PAGE_MAX */
};

enum err audit_prepare(struct db *db) MUST_CHECK;
/* NULL texts are written as "" and no detail as {}. */
enum err audit_add(struct db *db, const struct audit_line *l) MUST_CHECK;
/* Newest first. */
enum err audit_page(struct db *db, void *mem, const struct audit_filter *f,
    struct audit_line **out, size_t *n) MUST_CHECK;
