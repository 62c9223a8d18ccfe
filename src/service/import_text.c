#include "service/import_text.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

enum { LOOKED_AT = 4096 };

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

static void from_utf16(void *mem, const char *data, size_t len, struct import_text *out)
{
	const uint8_t *d = (const uint8_t *)data;
	bool big = d[0] == 0xFE;
	struct buf *b = buf_new(mem);
	uint32_t high = 0;

	buf_reserve(b, len);
	for (size_t i = 2; i + 1 < len; i += 2) {
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
		.encoding = "UTF-16" };
}

/* Lines that are no UTF-8 are read as Windows-1252, the others stay. */
static void by_line(void *mem, const char *data, size_t len, struct import_text *out)
{
	struct buf *b = buf_new(mem);
	bool some = false;

	buf_reserve(b, len + len / 8);
	for (size_t at = 0; at < len;) {
		const char *end = memchr(data + at, '\n', len - at);
		size_t n = end ? (size_t)(end - data) + 1 - at : len - at;

		if (text_is_utf8(data + at, n)) {
			for (size_t i = 0; i < n && !some; i++)
				some = (unsigned char)data[at + i] > 127;
			buf_add(b, data + at, n);
		} else {
			MEM_SCOPE void *tmp = mem_scope(NULL, "line");

			buf_str(b, text_from_latin1(tmp, data + at, n));
		}
		at += n;
	}
	out->data = b->data;
	out->len = b->len;
	out->encoding = some ? "UTF-8 and Windows-1252 mixed" : "Windows-1252";
}

static bool has_zero(const char *data, size_t len)
{
	return memchr(data, '\0', len < LOOKED_AT ? len : LOOKED_AT) != NULL;
}

enum err import_text(void *mem, const char *data, size_t len, struct import_text *out,
    const char **why)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (len < kinds[i].len ||
		    memcmp(data, kinds[i].magic, kinds[i].len) != 0)
			continue;
		*why = kinds[i].why;
		return ERR_INVALID;
	}
	if (len >= 2 &&
	    (memcmp(data, "\xFF\xFE", 2) == 0 || memcmp(data, "\xFE\xFF", 2) == 0)) {
		from_utf16(mem, data, len, out);
		return OK;
	}
	if (has_zero(data, len)) {
		*why = "This is no text file. Export the list as CSV (UTF-8) and "
		       "upload that.";
		return ERR_INVALID;
	}
	if (len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0) {
		data += 3;
		len -= 3;
	}
	*out = (struct import_text){ .data = data, .len = len, .encoding = "UTF-8" };
	if (!text_is_utf8(data, len))
		by_line(mem, data, len, out);
	return OK;
}
