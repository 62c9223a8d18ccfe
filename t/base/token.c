#include "base/token.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tap.h"

static const struct keyring keys = { .token = { 1, 2, 3 } };
static const struct keyring foreign = { .token = { 1, 2, 4 } };

static bool same(const struct token *a, const struct token *b)
{
	return a->purpose == b->purpose && a->campaign == b->campaign &&
	    a->subscriber == b->subscriber && a->link == b->link;
}

static void signs_many(void)
{
	void *mem = mem_scope(NULL, "token_signer");
	struct token_signer *s = token_signer_new(mem, &keys);
	int wrong = 0;

	for (int i = 0; i < 200; i++) {
		struct token t = { .purpose = TOKEN_OPEN + i % 4,
			.campaign = i * 7919,
			.subscriber = i * 104729,
			.link = i };
		char a[TOKEN_MAX], b[TOKEN_MAX];

		wrong += token_write(&keys, &t, a) != token_sign(s, &t, b) ||
		    strcmp(a, b) != 0;
	}
	is_int(wrong, 0, "token_sign signs as token_write does");
	mem_free(mem);
}

static void round_trips(void)
{
	static const int64_t numbers[] = { 0, 1, 127, 128, 16383, 16384, 1234567890123,
		INT64_MAX };
	int wrong = 0, longest = 0;

	for (int p = TOKEN_OPEN; p <= TOKEN_VIEW; p++) {
		for (int i = 0; i < 64; i++) {
			struct token t = { .purpose = p,
				.campaign = numbers[i / 8],
				.subscriber = numbers[i % 8],
				.link = i % 2 ? INT32_MAX : i },
				     back;
			char text[TOKEN_MAX];
			int n = token_write(&keys, &t, text);

			wrong += n != (int)strlen(text) ||
			    token_read(&keys, p, text, &back) != OK || !same(&t, &back);
			longest = n > longest ? n : longest;
		}
	}
	is_int(wrong, 0, "token_read reads what token_write writes");
	ok(longest < TOKEN_MAX, "token_write stays within TOKEN_MAX (%d)", longest);
}

static bool same_between(const struct token *a, const struct token *b)
{
	return a->before == b->before && a->after == b->after &&
	    a->length == b->length && b->between &&
	    memcmp(a->between, b->between, (size_t)a->length) == 0;
}

/* Version 2: what a link has instead of the middle of the stored one. */
static void addresses(void)
{
	void *mem = mem_scope(NULL, "addresses");
	char between[TOKEN_BETWEEN_MAX], text[TOKEN_MAX];
	int wrong = 0, taken = 0, longest = 0;
	struct token back;

	memset(between, 'x', sizeof(between));
	for (int i = 0; i <= TOKEN_BETWEEN_MAX; i += i < 70 ? 1 : 89) {
		struct token t = { .purpose = TOKEN_CLICK,
			.campaign = INT64_MAX,
			.subscriber = INT64_MAX,
			.link = INT32_MAX,
			.before = i % 2 ? INT32_MAX : i,
			.after = i % 2 ? i : INT32_MAX,
			.between = between,
			.length = i };
		int n = token_write(&keys, &t, text);

		longest = n > longest ? n : longest;
		wrong += n != (int)strlen(text) ||
		    token_read_in(mem, &keys, TOKEN_CLICK, text, &back) != OK ||
		    !same(&t, &back) || !same_between(&t, &back) ||
		    token_read(&keys, TOKEN_CLICK, text, &back) != OK || back.between;
		text[n / 2] = text[n / 2] == 'A' ? 'B' : 'A';
		taken += token_read_in(mem, &keys, TOKEN_CLICK, text, &back) == OK;
	}
	is_int(wrong, 0,
	    "token_read_in reads what token_write writes, with an address");
	is_int(taken, 0, "token_read_in refuses a changed address");
	ok(longest < TOKEN_MAX, "token_write stays within TOKEN_MAX (%d)", longest);
	mem_free(mem);
}

static void forgeries(void)
{
	struct token t = { .purpose = TOKEN_CLICK,
		.campaign = 42,
		.subscriber = 99,
		.link = 3 },
		     out = { .campaign = -1 };
	char text[TOKEN_MAX], changed[TOKEN_MAX + 2];
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-_=+/ ~";
	int taken = 0, n = token_write(&keys, &t, text);

	ok(token_read(&foreign, TOKEN_CLICK, text, &out) == ERR_NOTFOUND,
	    "token_read refuses another installation's");
	ok(token_read(&keys, TOKEN_OPEN, text, &out) == ERR_NOTFOUND &&
		token_read(&keys, TOKEN_UNSUBSCRIBE, text, &out) == ERR_NOTFOUND,
	    "token_read refuses another purpose");
	/*
	 * every other character at every place: a MAC over all, and one text per token
	 */
	for (int i = 0; i < n; i++) {
		for (size_t j = 0; j < sizeof(letters) - 1; j++) {
			memcpy(changed, text, (size_t)n + 1);
			changed[i] = letters[j];
			taken += changed[i] != text[i] &&
			    token_read(&keys, TOKEN_CLICK, changed, &out) == OK;
		}
	}
	is_int(taken, 0, "token_read refuses any changed character");
	for (int i = 0; i < n; i++) {
		memcpy(changed, text, (size_t)n + 1);
		changed[i] = '\0';
		taken += token_read(&keys, TOKEN_CLICK, changed, &out) == OK;
	}
	is_int(taken, 0, "token_read refuses a text cut anywhere");
	memcpy(changed, text, (size_t)n);
	memcpy(changed + n, "A", 2);
	ok(token_read(&keys, TOKEN_CLICK, changed, &out) == ERR_NOTFOUND,
	    "token_read refuses a longer text");
	is_int(out.campaign, -1, "token_read leaves the result alone then");
}

/* Signed with the right key but not as token_write would: still not canonical. */
static void uncanonical(void *mem)
{
	static const struct {
		const char *raw;
		size_t n;
	} bodies[] = {
		{ "\x12\x80\x00\x01\x00", 5 }, /* 0 in two bytes */
		{ "\x12\x01\x01\x00\x00", 5 }, /* one byte too many */
		{ "\x12\x01\x01", 3 },         /* no link number */
		{ "\x22\x01\x01\x00", 4 },     /* another version */
		{ "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x00",
		    13 },                                  /* 2^64 */
		{ "\x12\x01\x01\xff\xff\xff\xff\x0f", 8 }, /* link beyond an int */
		{ "", 0 },
	};
	int taken = 0;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		uint8_t raw[64], mac[32];
		struct token out;

		memcpy(raw, bodies[i].raw, bodies[i].n);
		hmac_sha256(keys.token, 32, raw, bodies[i].n, mac);
		memcpy(raw + bodies[i].n, mac, 16);
		taken += token_read(&keys, TOKEN_CLICK,
			     base64url_encode(mem, raw, bodies[i].n + 16), &out) == OK;
	}
	is_int(taken, 0, "token_read takes the canonical form only");
}

static void nonsense(void)
{
	struct token out;
	char text[300];

	memset(text, 'A', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ok(token_read(&keys, TOKEN_OPEN, "", &out) == ERR_NOTFOUND &&
		token_read(&keys, TOKEN_OPEN, "x", &out) == ERR_NOTFOUND &&
		token_read(&keys, TOKEN_OPEN, "../../etc", &out) == ERR_NOTFOUND &&
		token_read(&keys, TOKEN_OPEN, text, &out) == ERR_NOTFOUND,
	    "token_read refuses nonsense");
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");

	round_trips();
	signs_many();
	addresses();
	forgeries();
	uncanonical(mem);
	nonsense();
	mem_free(mem);
	return done_testing();
}
