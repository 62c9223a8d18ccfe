#pragma once

#include "service/auth.h"

/*
 * The second factor of an account with a password: a code by time (base/totp) whose
 * secret is sealed in the database, or one of ten recovery codes of 80 bits, kept as
 * hashes.  Every code works once.
 */
enum { RECOVERY_CODES = 10, PENDING_LIFE_S = 5 * 60 };

/* ---- between the two steps of signing in ---- */
/*
 * What the browser keeps meanwhile (a sealed word for a cookie): who gave the right
 * password, and where they wanted to go.  Worth nothing after PENDING_LIFE_S, or once
 * password or second factor have changed.
 */
char *second_factor_pending(const struct visit *v, void *mem, const struct user *u,
    const char *next);
/* ERR_NOTFOUND: it is none, or worth nothing any more. */
enum err second_factor_whose(const struct visit *v, void *mem, const char *pending,
    struct user **out, const char **next) MUST_CHECK;
struct second_factor_try {
	bool recovery;   /* a recovery code was used up */
	int64_t left;    /* then: how many are left */
	int retry_after; /* ERR_LIMITED: seconds */
};
/*
 * Field: code.  Counted as passwords are: 5 a minute from an address, 10 in 15 minutes
 * for an account.  ERR_INVALID and ERR_LIMITED have their sentence at `code`.
 */
enum err second_factor_check(const struct visit *v, void *mem, const struct user *u,
    struct form *f, struct second_factor_try *t) MUST_CHECK;

/* ---- having one ---- */
/* A new secret, in base32. */
char *second_factor_secret(void *mem);
/* otpauth://…: what the QR code says. host: of the installation. */
char *second_factor_uri(void *mem, const char *host, const char *email,
    const char *secret);
/* The secret under way between page and form, so that only one of ours comes back. */
char *second_factor_seal(const struct visit *v, void *mem, int64_t session_id,
    const char *secret);
enum err second_factor_unseal(const struct visit *v, void *mem, int64_t session_id,
    const char *sealed, char **secret) MUST_CHECK;
struct second_factor_new {
	const char *secret;                /* given, in base32 */
	const char *codes[RECOVERY_CODES]; /* answered, to be shown once */
	int retry_after;                   /* ERR_LIMITED: seconds */
};
/*
 * Turns it on when the code shows that the person's device has the secret.  Fields:
 * code, current_password.
 */
enum err second_factor_enable(const struct visit *v, void *mem, struct user *u,
    struct form *f, struct second_factor_new *n) MUST_CHECK;
/* Fields: code, current_password. */
enum err second_factor_disable(const struct visit *v, void *mem, struct user *u,
    struct form *f, int *retry_after) MUST_CHECK;
/* By an operator, for who lost device and codes. */
enum err second_factor_remove(const struct visit *v, struct user *u) MUST_CHECK;
/* Ten others; those before stop working. Field: current_password. */
enum err second_factor_recover(const struct visit *v, void *mem, const struct user *u,
    struct form *f, struct second_factor_new *n) MUST_CHECK;
