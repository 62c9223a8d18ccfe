#include <string.h>

#include "base/mem.h"
#include "base/token.h"
#include "fuzz/fuzz.h"

/* A token that is read is the one text of its numbers; changed anywhere it is none. */
const size_t fuzz_max = 200;

static const struct keyring keys = { .token = { 1, 2, 3 } };

static int64_t number(const char *s, size_t n, size_t at)
{
	uint64_t v = 0;

	for (size_t i = at; i < at + 8; i++)
		v = v << 8 | (i < n ? (unsigned char)s[i] : 0);
	return (int64_t)(v & INT64_MAX) >> (n > at ? (unsigned char)s[at] % 60 : 0);
}

static void changed(char *text, const struct token *t, size_t at)
{
	struct token again;

	text[at] = text[at] == 'A' ? 'B' : 'A';
	FUZZ_CHECK(token_read(&keys, t->purpose, text, &again) == ERR_NOTFOUND);
}

void fuzz_one(void *mem, const char *s, size_t n)
{
	struct token t, again;
	char text[TOKEN_MAX];
	int len;

	for (int p = TOKEN_OPEN; p <= TOKEN_VIEW; p++) {
		const char *given = fuzz_text(mem, s, n);

		if (token_read_in(mem, &keys, (enum token_purpose)p, given, &t) != OK)
			continue;
		token_write(&keys, &t, text);
		FUZZ_CHECK(strcmp(text, given) == 0);
	}
	t = (struct token){ .purpose = TOKEN_OPEN + (n ? (unsigned char)s[0] % 4 : 0),
		.campaign = number(s, n, 1),
		.subscriber = number(s, n, 9),
		.link = (int)(number(s, n, 17) & INT32_MAX) };
	if (n > 30) {
		t.between = s + 30;
		t.length = n < TOKEN_BETWEEN_MAX ? (int)(n - 30) : 0;
		t.before = (int)(number(s, n, 21) & INT32_MAX);
	}
	len = token_write(&keys, &t, text);
	FUZZ_CHECK(len > 0 && len < TOKEN_MAX && (size_t)len == strlen(text));
	FUZZ_CHECK(token_read(&keys, t.purpose, text, &again) == OK);
	FUZZ_CHECK(again.campaign == t.campaign && again.subscriber == t.subscriber &&
	    again.link == t.link);
	changed(text, &t, n ? (unsigned char)s[n - 1] % (size_t)len : 0);
}
