#pragma once

#include "db/db.h"

struct audit_line {
	int64_t brand_id, user_id, key_id; /* 0: none */
	const char *action;                /* "campaign.send" */
	int64_t object_id;
	const char *detail; /* JSON object */
	const char *ip;
	int64_t at;
};

enum err audit_prepare(struct db *db) MUST_CHECK;
enum err audit_add(struct db *db, const struct audit_line *l) MUST_CHECK;
