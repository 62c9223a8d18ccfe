#pragma once

#include <stdint.h>

#include "base/crypto.h"
#include "base/err.h"

/*
 * Signed tokens of tracking and unsubscribing: version, purpose, campaign, subscriber,
 * link number, then HMAC-SHA256 cut to 128 bits; base64url.  They never expire (a mail
 * lives for ever).  Everything a public page is told by a mail comes in one.
 *
 * A link whose address differs from person to person is fixed when the mail is made:
 * version 2 also holds what the address has instead of the middle of the stored link.
 * The address is the first `before` bytes of the stored link, then `between`, then the
 * last `after` bytes of the stored link.
 */
enum token_purpose { TOKEN_OPEN = 1, TOKEN_CLICK, TOKEN_UNSUBSCRIBE, TOKEN_VIEW };

struct token {
	enum token_purpose purpose;
	int64_t campaign; /* 0: a test or a transactional mail */
	int64_t subscriber;
	int link;            /* TOKEN_CLICK: campaign_links.number */
	const char *between; /* TOKEN_CLICK of version 2; NULL: the link as stored */
	int length;          /* bytes of `between` */
	int before, after;
};

enum {
	TOKEN_MAX = 1408,        /* bytes of text, with the NUL */
	TOKEN_BETWEEN_MAX = 960, /* a longer address is not tracked */
};

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
 * `between` of the result is owned by mem.
 */
enum err token_read_in(void *mem, const struct keyring *k, enum token_purpose purpose,
    const char *text, struct token *out) MUST_CHECK;
/* The same without what stands between: for all that are no clicks. */
enum err token_read(const struct keyring *k, enum token_purpose purpose,
    const char *text, struct token *out) MUST_CHECK;
