#include "base/text.h"

#include <string.h>

#include "base/mem.h"
#include "tap.h"

static void utf8(void)
{
	ok(text_is_utf8("", 0), "text_is_utf8 takes nothing");
	ok(text_is_utf8("h\xc3\xa9", 3), "text_is_utf8 takes two-byte characters");
	ok(text_is_utf8("\xf0\x9f\x93\xac", 4), "text_is_utf8 takes emoji");
	ok(!text_is_utf8("\xc3", 1), "text_is_utf8 refuses a cut character");
	ok(!text_is_utf8("\xc0\xaf", 2), "text_is_utf8 refuses an overlong slash");
	ok(!text_is_utf8("\xed\xa0\x80", 3), "text_is_utf8 refuses a surrogate");
	ok(!text_is_utf8("\xf4\x90\x80\x80", 4),
	    "text_is_utf8 refuses beyond U+10FFFF");
	ok(!text_is_utf8("a\xff", 2), "text_is_utf8 refuses Latin-1");
	is_int((int64_t)text_length("h\xc3\xa9\xf0\x9f\x93\xac"), 3,
	    "text_length counts characters");
	is_int((int64_t)text_length("\xff\xfe"), 2,
	    "text_length counts broken bytes one by one");
}

static void trimming(void *mem)
{
	is_text(text_trim(mem, " \t\r\n a b \n"), "a b",
	    "text_trim takes ASCII blanks");
	is_text(text_trim(mem, "\xc2\xa0x\xe3\x80\x80"), "x",
	    "text_trim takes Unicode blanks");
	is_text(text_trim(mem, " \xe2\x80\x83 "), "",
	    "text_trim of blanks only is empty");
	is_text(text_trim(mem, ""), "", "text_trim of nothing is empty");
}

static void lowering(void *mem)
{
	is_text(text_lower(mem, "ABCxyz09"), "abcxyz09", "text_lower lowers ASCII");
	is_text(text_lower(mem, "\xc3\x89\xce\xa3\xd0\x96"), "\xc3\xa9\xcf\x83\xd0\xb6",
	    "text_lower lowers accents, Greek, Cyrillic");
	is_text(text_lower(mem, "STRASSE\xc3\x9f"), "strasse\xc3\x9f",
	    "text_lower keeps sharp s");
	is_text(text_lower(mem, "I"), "i", "text_lower knows no Turkish i");
}

static void comparing(void)
{
	ok(text_equal(NULL, NULL) && !text_equal(NULL, "") && text_equal("a", "a"),
	    "text_equal: NULL equals only NULL");
	ok(text_equal_nocase("AbC", "aBc") && !text_equal_nocase("abc", "ab") &&
		!text_equal_nocase("ab", "abc"),
	    "text_equal_nocase compares whole strings");
	ok(!text_equal_nocase("\xc3\x89", "\xc3\xa9"),
	    "text_equal_nocase is ASCII only");
	ok(!text_equal_nocase("@", "`") && !text_equal_nocase("[", "{"),
	    "text_equal_nocase touches only letters");
	ok(text_starts("abc", "ab") && !text_starts("a", "ab") &&
		!text_starts(NULL, ""),
	    "text_starts compares the beginning");
	ok(text_ends("abc", "bc") && !text_ends("c", "bc") && text_ends("c", ""),
	    "text_ends compares the end");
	ok(text_empty(NULL) && text_empty("") && !text_empty(" "),
	    "text_empty is NULL or \"\"");
}

static void controls(void *mem)
{
	ok(text_has_control("a\r\nBcc: x"), "text_has_control finds a line break");
	ok(text_has_control("a\tb") && text_has_control("\x7f"),
	    "text_has_control finds tab, DEL");
	ok(text_has_control("a\xc2\x85"), "text_has_control finds C1");
	ok(!text_has_control("caf\xc3\xa9 \xc2\xa0\xe2\x80\x93"),
	    "text_has_control lets text pass");
	ok(!text_has_odd_control("a\n\tb"), "text_has_odd_control lets lines pass");
	ok(text_has_odd_control("a\x1b[31m") && text_has_odd_control("a\rb") &&
		text_has_odd_control("a\xc2\x9b"),
	    "... and nothing else");
	is_text(text_one_line(mem, "a\r\nb\x1b\xc2\x85\xe2\x80\xa8\xc3\xa9"),
	    "a  b   \xc3\xa9", "text_one_line makes spaces of them");
}

static void latin1(void *mem)
{
	is_text(text_from_latin1(mem, "caf\xe9", 4), "caf\xc3\xa9",
	    "text_from_latin1 converts");
	is_text(text_from_latin1(mem, "\x80\x93", 2), "\xe2\x82\xac\xe2\x80\x9c",
	    "text_from_latin1 knows the euro and quotes of Windows");
	is_text(text_from_latin1(mem, "\x81", 1), "\xef\xbf\xbd",
	    "text_from_latin1 replaces what has no meaning");
}

static void counts(void *mem)
{
	is_text(text_count(mem, 0), "0", "text_count of 0");
	is_text(text_count(mem, 999), "999", "text_count of three digits");
	is_text(text_count(mem, 1000), "1,000", "text_count of four digits");
	is_text(text_count(mem, 1234567), "1,234,567", "text_count of seven digits");
	is_text(text_count(mem, -123456), "-123,456", "text_count of a negative");
	is_text(text_count(mem, INT64_MIN), "-9,223,372,036,854,775,808",
	    "text_count of the least");
}

static void integers(void)
{
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "1.0", "0x10",
		"1e3", "--1", "9223372036854775808", "-9223372036854775809",
		"99999999999999999999", NULL };
	int64_t v = 7;
	int taken = 0;

	for (int i = 0; bad[i] != NULL; i++)
		taken += text_to_int(bad[i], INT64_MIN, INT64_MAX, &v);
	is_int(taken, 0, "text_to_int refuses what is not a whole number");
	is_int(v, 7, "text_to_int leaves the result alone then");
	ok(!text_to_int(NULL, 0, 9, &v), "text_to_int refuses NULL");
	ok(text_to_int("-9223372036854775808", INT64_MIN, 0, &v) && v == INT64_MIN,
	    "text_to_int reads the least");
	ok(text_to_int("007", 0, 7, &v) && v == 7,
	    "text_to_int takes its bounds inclusive");
	ok(!text_to_int("8", 0, 7, &v) && !text_to_int("-1", 0, 7, &v),
	    "text_to_int refuses outside the bounds");
}

static void doubles(void)
{
	static const char *const bad[] = { "", ".", ".5", "5.", "nan", "inf", "0x1p3",
		" 1", "1 ", "1e", "1e+", "1,5", "1e999", "-", NULL };
	double v = 0;
	int taken = 0;

	for (int i = 0; bad[i] != NULL; i++)
		taken += text_to_double(bad[i], &v);
	is_int(taken, 0, "text_to_double refuses what is not a number");
	ok(text_to_double("-12.5e-1", &v) && v == -1.25,
	    "text_to_double reads exponents");
	ok(text_to_double("3", &v) && v == 3, "text_to_double reads integers");
}

static void urls(void *mem)
{
	char *out = NULL;
	size_t n = 0;

	is_text(url_encode(mem, "a b/\xc3\xa9+~-._"), "a%20b%2F%C3%A9%2B~-._",
	    "url_encode escapes");
	is_text(url_encode_n(mem, "\0a", 2), "%00a", "url_encode_n escapes NUL");
	ok(url_decode(mem, "a%20b+%c3%A9", 12, true, &out, &n) && n == 6,
	    "url_decode undoes escapes");
	is_text(out, "a b \xc3\xa9", "url_decode turns + into a space when asked");
	ok(url_decode(mem, "a+b", 3, false, &out, &n) && strcmp(out, "a+b") == 0,
	    "url_decode keeps + in a path");
	ok(!url_decode(mem, "%", 1, true, &out, &n) &&
		!url_decode(mem, "%4", 2, true, &out, &n) &&
		!url_decode(mem, "%zz", 3, true, &out, &n),
	    "url_decode refuses a broken escape");
	ok(!url_decode(mem, "%00", 3, true, &out, &n) &&
		!url_decode(mem, "a\0", 2, true, &out, &n),
	    "url_decode refuses NUL");
	ok(url_decode(mem, "", 0, true, &out, &n) && n == 0,
	    "url_decode takes nothing");
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");

	utf8();
	trimming(mem);
	lowering(mem);
	comparing();
	controls(mem);
	latin1(mem);
	counts(mem);
	integers();
	doubles();
	urls(mem);
	mem_free(mem);
	return done_testing();
}
