#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Codes by time (RFC 6238): HMAC-SHA-1, steps of 30 seconds from 1970, six digits, the
 * only kind that every authenticator understands.
 */
enum { TOTP_SECRET_BYTES = 20, TOTP_STEP_MS = 30 * 1000, TOTP_DIGITS = 6 };

/* The number of one step, 31 bits: a code of n digits is its remainder by 10^n. */
uint32_t totp_number(const uint8_t *secret, size_t n, int64_t step);
/*
 * The step whose code this is: now's, or the one before or after it.  -1: none.  The
 * code is TOTP_DIGITS digits and nothing else.
 */
int64_t totp_step(const uint8_t *secret, size_t n, const char *code, int64_t now_ms);

/* RFC 4648, upper case, without padding. */
char *base32_encode(void *mem, const void *p, size_t n);
/* Either case; spaces and dashes are passed over. ERR_INVALID unless exactly n bytes.
 */
enum err base32_decode(const char *s, void *out, size_t n) MUST_CHECK;
