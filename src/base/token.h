#pragma once

#include <stdint.h>

#include "base/crypto.h"
#include "base/err.h"

/*
 * Signed tokens of tracking and unsubscribing: version, purpose, campaign, subscriber,
 * link number, then HMAC-SHA256 cut to 128 bits; base64url.  They never expire (a mail
 * lives for ever) and hold no address.  Everything a public page is told by a mail
 * comes in one.
 */
enum token_purpose { TOKEN_OPEN = 1, TOKEN_CLICK, TOKEN_UNSUBSCRIBE, TOKEN_VIEW };

struct token {
	enum token_purpose purpose;
	int64_t campaign; /* 0: a test or a transactional mail */
	int64_t subscriber;
	int link; /* TOKEN_CLICK: campaign_links.number */
};

enum { TOKEN_MAX = 64 }; /* bytes of text, with the NUL */

/* Writes the text to out (TOKEN_MAX) and returns its length. */
int token_write(const struct keyring *k, const struct token *t, char *out);
/*
 * The same for many tokens: the key is prepared once, which makes each three times
 * cheaper.  Owned by mem.
 */
struct token_signer;
struct token_signer *token_signer_new(void *mem, const struct keyring *k);
int token_sign(const struct token_signer *s, const struct token *t, char *out);
/*
 * ERR_NOTFOUND unless it is ours, canonical and for that purpose. Constant-time check.
 */
enum err token_read(const struct keyring *k, enum token_purpose purpose,
    const char *text, struct token *out) MUST_CHECK;
