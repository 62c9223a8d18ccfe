#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

#include "base/buf.h"
#include "base/mem.h"

static const uint8_t *u8(const char *s)
{
	return (const uint8_t *)s;
}

bool text_is_utf8(const char *s, size_t n)
{
	return u8_check(u8(s), n) == NULL;
}

size_t text_length(const char *s)
{
	return u8_mbsnlen(u8(s), strlen(s));
}

char *text_trim(void *mem, const char *s)
{
	size_t n = strlen(s), start = 0, end = 0;
	bool inside = false;

	for (size_t i = 0; i < n;) {
		ucs4_t c;
		int k = u8_mbtouc(&c, u8(s + i), n - i);
		bool white = uc_is_property_white_space(c);

		if (!white && !inside) {
			inside = true;
			start = i;
		}
		i += (size_t)k;
		if (!white)
			end = i;
	}
	return mem_strn(mem, s + start, inside ? end - start : 0);
}

static void add_char(struct buf *b, ucs4_t c)
{
	uint8_t text[6];
	int k = u8_uctomb(text, c, sizeof(text));

	if (k > 0)
		buf_add(b, text, (size_t)k);
}

/* The bytes of b, handed to mem without a copy. */
static char *take(void *mem, struct buf *b)
{
	char *s = mem_move(mem, b->data);

	mem_free(b);
	return s;
}

char *text_lower(void *mem, const char *s)
{
	struct buf *b = buf_new(mem);
	size_t n = strlen(s);

	buf_reserve(b, n);
	for (size_t i = 0; i < n;) {
		ucs4_t c;

		if ((unsigned char)s[i] < 0x80) {
			c = (ucs4_t)s[i++];
			buf_char(b, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
			continue;
		}
		i += (size_t)u8_mbtouc(&c, u8(s + i), n - i);
		add_char(b, uc_tolower(c));
	}
	return take(mem, b);
}

bool text_equal(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static unsigned char lower_ascii(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

bool text_equal_nocase(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	while (*a != '\0' && lower_ascii(*a) == lower_ascii(*b)) {
		a++;
		b++;
	}
	return lower_ascii(*a) == lower_ascii(*b);
}

bool text_starts(const char *s, const char *prefix)
{
	return s != NULL && strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *s, const char *suffix)
{
	size_t n = strlen(suffix), have = s ? strlen(s) : 0;

	return s != NULL && have >= n && memcmp(s + have - n, suffix, n) == 0;
}

bool text_empty(const char *s)
{
	return s == NULL || s[0] == '\0';
}

static bool is_control(ucs4_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

static bool has_control(const char *s, const char *but)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		unsigned char next = (unsigned char)s[i + 1];

		if (c < 0x80 ? is_control(c) && !strchr(but, c)
			     : c == 0xc2 && is_control(next))
			return true;
	}
	return false;
}

bool text_has_control(const char *s)
{
	return has_control(s, "");
}

bool text_has_odd_control(const char *s)
{
	return has_control(s, "\n\t");
}

char *text_one_line(void *mem, const char *s)
{
	struct buf *b = buf_new(mem);
	size_t n = strlen(s);

	for (size_t i = 0; i < n;) {
		ucs4_t c;
		int k = u8_mbtouc(&c, u8(s + i), n - i);

		if (is_control(c) || c == 0x2028 || c == 0x2029)
			buf_char(b, ' ');
		else
			buf_add(b, s + i, (size_t)k);
		i += (size_t)k;
	}
	return take(mem, b);
}

char *text_from_latin1(void *mem, const char *s, size_t n)
{
	/* what Windows-1252 has at 0x80-0x9f; U+FFFD where it has nothing */
	static const uint16_t windows[32] = {
		0x20ac,
		0xfffd,
		0x201a,
		0x0192,
		0x201e,
		0x2026,
		0x2020,
		0x2021,
		0x02c6,
		0x2030,
		0x0160,
		0x2039,
		0x0152,
		0xfffd,
		0x017d,
		0xfffd,
		0xfffd,
		0x2018,
		0x2019,
		0x201c,
		0x201d,
		0x2022,
		0x2013,
		0x2014,
		0x02dc,
		0x2122,
		0x0161,
		0x203a,
		0x0153,
		0xfffd,
		0x017e,
		0x0178,
	};
	struct buf *b = buf_new(mem);

	buf_reserve(b, n);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		add_char(b, c >= 0x80 && c < 0xa0 ? windows[c - 0x80] : c);
	}
	return take(mem, b);
}

char *text_count(void *mem, int64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRId64, n);
	int lead = digits[0] == '-';
	struct buf *b = buf_new(mem);

	for (int i = 0; i < len; i++) {
		if (i > lead && (len - i) % 3 == 0)
			buf_char(b, ',');
		buf_char(b, digits[i]);
	}
	return take(mem, b);
}

bool text_to_int(const char *s, int64_t min, int64_t max, int64_t *out)
{
	const char *digits = s && s[0] == '-' ? s + 1 : s;
	char *end;
	long long v;

	if (text_empty(digits) || strspn(digits, "0123456789") != strlen(digits))
		return false;
	errno = 0;
	v = strtoll(s, &end, 10);
	if (errno != 0 || v < min || v > max)
		return false;
	*out = v;
	return true;
}

/* [-]digits[.digits][e[+-]digits]: no blanks, no hexadecimal, no "nan" */
static bool is_number(const char *s)
{
	size_t n;

	s += *s == '-';
	n = strspn(s, "0123456789");
	if (n == 0)
		return false;
	s += n;
	if (*s == '.') {
		n = strspn(++s, "0123456789");
		if (n == 0)
			return false;
		s += n;
	}
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		n = strspn(s, "0123456789");
		if (n == 0)
			return false;
		s += n;
	}
	return *s == '\0';
}

bool text_to_double(const char *s, double *out)
{
	double v;

	if (s == NULL || !is_number(s))
		return false;
	v = strtod(s, NULL); /* setlocale is never called: the C locale */
	if (!isfinite(v))
		return false;
	*out = v;
	return true;
}
