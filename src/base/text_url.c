#include "base/text.h"

#include <string.h>

#include "base/mem.h"

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

char *url_encode(void *mem, const char *s)
{
	return url_encode_n(mem, s, strlen(s));
}

char *url_encode_n(void *mem, const char *s, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = mem_zero_array(mem, 3, n + 1, "url"), *to = out;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (is_unreserved(s[i])) {
			*to++ = s[i];
			continue;
		}
		*to++ = '%';
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
	}
	return out;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * The byte of the escape at s[i]; -1 if it is cut short or has no hexadecimal digits.
 */
static int escaped(const char *s, size_t n, size_t i)
{
	int high, low;

	if (n - i < 3)
		return -1;
	high = hex_value(s[i + 1]);
	low = hex_value(s[i + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool url_decode(void *mem, const char *s, size_t n, bool plus, char **out, size_t *len)
{
	char *text = mem_zero_array(mem, 1, n + 1, "url");
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		int c = (unsigned char)s[i];

		if (c == '%') {
			c = escaped(s, n, i);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c <= 0) {
			mem_free(text);
			return false;
		}
		text[k++] = (char)c;
	}
	*out = text;
	*len = k;
	return true;
}
