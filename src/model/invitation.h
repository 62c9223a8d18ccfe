#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/user.h"

/* An invitation can be taken for so long; at most so many of a brand wait at a time. */
#define INVITATION_LIFE_MS (INT64_C(7) * 24 * 3600 * 1000)
enum { INVITATIONS_MAX = 100 };

/* It waits for the person who has this address; once taken or revoked it is gone. */
struct invitation {
	int64_t id, brand_id;
	const char *email, *email_key;
	enum role role;
	bool by_mail;        /* sent by mail; else the link was shown once */
	int64_t invited_by;  /* 0: by a key, or the account is gone */
	const char *inviter; /* name of who invited, as it was */
	const char *brand;   /* name */
	int64_t created_at, expires_at;
};
