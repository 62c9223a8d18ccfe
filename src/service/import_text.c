#include "service/import_text.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "service/import_encoding.h"

enum { LOOKED_AT = 4096, ODD_BYTES = 64 * 1024 };

struct kind {
	const char *magic;
	size_t len;
	const char *why;
};

#define EXCEL "In Excel, choose “Save as” and “CSV UTF-8”, and upload that file."

/* clang-format off */
static const struct kind kinds[] = {
	{ "PK\x03\x04", 4, "This is an Excel workbook or a ZIP archive, not a CSV file. " EXCEL },
	{ "\xD0\xCF\x11\xE0", 4, "This is an old Excel workbook, not a CSV file. " EXCEL },
	{ "%PDF", 4, "This is a PDF, not a CSV file. Export the list as CSV where it came from." },
	{ "\x1F\x8B", 2, "This is a gzip archive. Unpack it and upload the CSV file in it." },
	{ "BZh", 3, "This is a bzip2 archive. Unpack it and upload the CSV file in it." },
	{ "7z\xBC\xAF", 4, "This is a 7-Zip archive. Unpack it and upload the CSV file in it." },
	{ "Rar!", 4, "This is a RAR archive. Unpack it and upload the CSV file in it." },
	{ "\x89PNG", 4, "This is a picture, not a CSV file." },
	{ "\xFF\xD8\xFF", 3, "This is a picture, not a CSV file." },
	{ "GIF8", 4, "This is a picture, not a CSV file." },
	{ "{\\rtf", 5, "This is a text document, not a CSV file. " EXCEL },
	{ "<!DOCTYPE", 9, "This is a web page, not a CSV file. Export the list as CSV." },
	{ "<!doctype", 9, "This is a web page, not a CSV file. Export the list as CSV." },
	{ "<html", 5, "This is a web page, not a CSV file. Export the list as CSV." },
	{ "<?xml", 5, "This is an XML file, not a CSV file. Export the list as CSV." },
};
/* clang-format on */

static void add_utf8(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_char(b, (char)c);
	} else if (c < 0x800) {
		buf_char(b, (char)(0xC0 | c >> 6));
		buf_char(b, (char)(0x80 | (c & 0x3F)));
	} else if (c < 0x10000) {
		buf_char(b, (char)(0xE0 | c >> 12));
		buf_char(b, (char)(0x80 | (c >> 6 & 0x3F)));
		buf_char(b, (char)(0x80 | (c & 0x3F)));
	} else {
		buf_char(b, (char)(0xF0 | c >> 18));
		buf_char(b, (char)(0x80 | (c >> 12 & 0x3F)));
		buf_char(b, (char)(0x80 | (c >> 6 & 0x3F)));
		buf_char(b, (char)(0x80 | (c & 0x3F)));
	}
}

static bool has_mark(const char *data, size_t len)
{
	return len >= 2 &&
	    (memcmp(data, "\xFF\xFE", 2) == 0 || memcmp(data, "\xFE\xFF", 2) == 0);
}

static void from_utf16(void *mem, const char *data, size_t len, bool big,
    struct import_text *out)
{
	const uint8_t *d = (const uint8_t *)data;
	struct buf *b = buf_new(mem);
	uint32_t high = 0;

	buf_reserve(b, len);
	for (size_t i = has_mark(data, len) ? 2 : 0; i + 1 < len; i += 2) {
		uint32_t c = big ? (uint32_t)(d[i] << 8 | d[i + 1])
				 : (uint32_t)(d[i + 1] << 8 | d[i]);

		if (c >= 0xD800 && c < 0xDC00) {
			high = c;
			continue;
		}
		if (c >= 0xDC00 && c < 0xE000)
			c = high ? 0x10000 + ((high - 0xD800) << 10) + (c - 0xDC00)
				 : 0xFFFD;
		high = 0;
		add_utf8(b, c);
	}
	*out = (struct import_text){ .data = b->data,
		.len = b->len,
		.encoding = big ? "utf-16be" : "utf-16le" };
}

static bool has_high(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] > 127)
			return true;
	return false;
}

static size_t line_at(const char *data, size_t len, size_t at)
{
	const char *end = memchr(data + at, '\n', len - at);

	return end ? (size_t)(end - data) + 1 - at : len - at;
}

/* The lines that are no UTF-8, to guess from; *mixed: there are others beyond ASCII. */
static void odd_lines(const char *data, size_t len, struct buf *odd, bool *mixed)
{
	size_t n;

	for (size_t at = 0; at < len; at += n) {
		n = line_at(data, len, at);
		if (!has_high(data + at, n))
			continue;
		if (text_is_utf8(data + at, n))
			*mixed = true;
		else if (odd->len < ODD_BYTES)
			buf_add(odd, data + at, n);
	}
}

/* Lines that are no UTF-8 are decoded, the others stay. */
static void by_line(struct buf *b, const char *data, size_t len, const char *encoding)
{
	size_t n;

	for (size_t at = 0; at < len; at += n) {
		n = line_at(data, len, at);
		if (text_is_utf8(data + at, n))
			buf_add(b, data + at, n);
		else
			import_encoding_decode(encoding, data + at, n, b);
	}
}

static void decode(void *mem, const char *data, size_t len, struct import_text *out)
{
	struct buf *b = buf_new(mem);

	buf_reserve(b, len + len / 8);
	if (out->mixed)
		by_line(b, data, len, out->encoding);
	else
		import_encoding_decode(out->encoding, data, len, b);
	out->data = b->data;
	out->len = b->len;
}

static void guess(void *mem, const char *data, size_t len, struct import_text *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "odd");
	struct buf *odd = buf_new(tmp);

	odd_lines(data, len, odd, &out->mixed);
	out->encoding = import_encoding_guess(odd->data, odd->len, &out->doubtful);
	decode(mem, data, len, out);
}

/*
 * UTF-16 without a mark: text is mostly ASCII in files like these, so every second byte
 * is zero.  -1: no; 0: little, 1: big endian.
 */
static int unmarked_utf16(const char *data, size_t len)
{
	size_t n = len < LOOKED_AT ? len : LOOKED_AT, zero[2] = { 0 };

	for (size_t i = 0; i < n; i++)
		zero[i % 2] += data[i] == '\0';
	if (zero[1] > n / 4 && zero[0] == 0)
		return 0;
	return zero[0] > n / 4 && zero[1] == 0 ? 1 : -1;
}

static const char *no_text(const char *data, size_t len)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (len >= kinds[i].len &&
		    memcmp(data, kinds[i].magic, kinds[i].len) == 0)
			return kinds[i].why;
	return NULL;
}

/* What is UTF-16 by its mark, by its zeros, or because somebody says so; -1: nothing.
 */
static int utf16_of(const char *data, size_t len, const char *encoding)
{
	if (text_equal(encoding, "utf-16be"))
		return 1;
	if (text_equal(encoding, "utf-16le"))
		return 0;
	if (has_mark(data, len))
		return data[0] == '\xFE';
	return unmarked_utf16(data, len);
}

enum err import_text(void *mem, const char *data, size_t len, const char *encoding,
    struct import_text *out, const char **why)
{
	int big = utf16_of(data, len, encoding);

	*out = (struct import_text){ .encoding = encoding ? encoding : "utf-8" };
	*why = no_text(data, len);
	if (*why)
		return ERR_INVALID;
	if (big >= 0) {
		from_utf16(mem, data, len, big, out);
		return OK;
	}
	if (memchr(data, '\0', len < LOOKED_AT ? len : LOOKED_AT)) {
		*why = "This is no text file. Export the list as CSV (UTF-8) and "
		       "upload that.";
		return ERR_INVALID;
	}
	if (len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0) {
		data += 3;
		len -= 3;
	}
	out->data = data;
	out->len = len;
	if (encoding && (!text_equal(encoding, "utf-8") || !text_is_utf8(data, len)))
		decode(mem, data, len, out);
	else if (!encoding && !text_is_utf8(data, len))
		guess(mem, data, len, out);
	return OK;
}
