#include "base/totp.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tap.h"

static const uint8_t key[] = "12345678901234567890"; /* of RFC 6238, appendix B */
enum { KEY = 20 };

static void test_vectors(void)
{
	static const struct {
		int64_t seconds;
		uint32_t code;
	} rfc[] = {
		{ 59, 94287082 },
		{ 1111111109, 7081804 },
		{ 1111111111, 14050471 },
		{ 1234567890, 89005924 },
		{ 2000000000, 69279037 },
		{ 20000000000, 65353130 },
	};
	/* RFC 4226, appendix D: counters 0 to 9 */
	static const uint32_t hotp[] = { 755224, 287082, 359152, 969429, 338314, 254676,
		287922, 162583, 399871, 520489 };

	for (size_t i = 0; i < sizeof(rfc) / sizeof(*rfc); i++)
		is_int(totp_number(key, KEY, rfc[i].seconds / 30) % 100000000,
		    rfc[i].code, "totp_number gives RFC 6238 at %lld",
		    (long long)rfc[i].seconds);
	for (size_t i = 0; i < sizeof(hotp) / sizeof(*hotp); i++)
		is_int(totp_number(key, KEY, (int64_t)i) % 1000000, hotp[i],
		    "totp_number gives RFC 4226 at %zu", i);
}

static void test_window(void)
{
	static const char *const bad[] = { "", "08180", "0818040", "08180a", " 81804",
		"-81804", "+81804", "07081804" };
	int64_t at = INT64_C(1111111109) * 1000, step = at / TOTP_STEP_MS;
	char code[16];

	is_int(totp_step(key, KEY, "081804", at), step, "totp_step takes the code");
	for (int i = -3; i <= 3; i++) {
		snprintf(code, sizeof(code), "%06u",
		    totp_number(key, KEY, step + i) % 1000000);
		is_int(totp_step(key, KEY, code, at), i < -1 || i > 1 ? -1 : step + i,
		    "totp_step and the code %d steps away", i);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(totp_step(key, KEY, bad[i], at), -1, "totp_step refuses “%s”",
		    bad[i]);
}

static void test_base32(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "base32");
	static const char *const rfc[][2] = { { "", "" }, { "f", "MY" },
		{ "fo", "MZXQ" }, { "foo", "MZXW6" }, { "foob", "MZXW6YQ" },
		{ "fooba", "MZXW6YTB" }, { "foobar", "MZXW6YTBOI" } };
	char back[8];

	for (size_t i = 0; i < sizeof(rfc) / sizeof(*rfc); i++) {
		size_t n = strlen(rfc[i][0]);

		is_text(base32_encode(mem, rfc[i][0], n), rfc[i][1],
		    "base32_encode of “%s”", rfc[i][0]);
		ok(base32_decode(rfc[i][1], back, n) == OK &&
			memcmp(back, rfc[i][0], n) == 0,
		    "base32_decode gives it back");
	}
	ok(base32_decode("mzxw-6ytb oi", back, 6) == OK &&
		memcmp(back, "foobar", 6) == 0,
	    "base32_decode takes small letters, spaces and dashes");
	ok(base32_decode("MZXW6YTBOI", back, 5) == ERR_INVALID, "but not too many");
	ok(base32_decode("MZXW6YTBOI", back, 7) == ERR_INVALID, "nor too few");
	ok(base32_decode("MZXW6YTBOJ", back, 6) == ERR_INVALID,
	    "nor an end that says something else");
	ok(base32_decode("MZXW1YTBOI", back, 6) == ERR_INVALID, "nor other characters");
	ok(base32_decode("MYA", back, 1) == ERR_INVALID, "nor one too many");
}

int main(void)
{
	test_vectors();
	test_window();
	test_base32();
	return done_testing();
}
