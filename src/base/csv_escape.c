#include "base/csv.h"

#include <ctype.h>
#include <string.h>

enum { LOOKED_AT = 256 * 1024 };

static bool ends_cell(char c)
{
	return c == '\0' || strchr(",;\t|\r\n", c) != NULL;
}

/*
 * A quote after a backslash is one inside a cell if the cell goes on after it; C:\dir\"
 * at the end of a cell is none.  A quote that is doubled inside a cell speaks against
 * it.
 */
bool csv_has_escapes(const char *data, size_t len)
{
	size_t escaped = 0, doubled = 0;

	if (len > LOOKED_AT)
		len = LOOKED_AT;
	for (size_t i = 1; i + 1 < len; i++) {
		char before = data[i - 1], after = data[i + 1];

		if (data[i] == '\\' && after == '"')
			escaped += i + 2 < len && !ends_cell(data[i + 2]);
		else if (data[i] == '\\' && after == '\'')
			escaped += isalnum((unsigned char)before) != 0;
		else if (data[i] == '"' && after == '"')
			doubled += before != '\\' && !ends_cell(before) &&
			    i + 2 < len && !ends_cell(data[i + 2]);
	}
	return escaped > 0 && doubled == 0;
}

static bool is_null(const char *data, size_t len, size_t i)
{
	return data[i + 1] == 'N' && (i == 0 || ends_cell(data[i - 1])) &&
	    (i + 2 >= len || ends_cell(data[i + 2]));
}

/* What the character after a backslash means; the delimiter stays as it was written. */
static void put_escaped(char c, char delimiter, struct buf *out)
{
	if (c == '"')
		buf_str(out, "\"\"");
	else if (c == '\\' || c == '\'' || c == '\n')
		buf_char(out, c);
	else if (c == 'r' || c == 'n' || c == 't')
		buf_char(out, ' ');
	else if (c != '0' && c != delimiter) {
		buf_char(out, '\\');
		buf_char(out, c);
	} else if (c == delimiter) {
		buf_char(out, c);
	}
}

void csv_unescape(const char *data, size_t len, char delimiter, struct buf *out)
{
	size_t from = 0;

	buf_reserve(out, len + 16);
	for (size_t i = 0; i + 1 < len; i++) {
		if (data[i] != '\\')
			continue;
		buf_add(out, data + from, i - from);
		if (!is_null(data, len, i))
			put_escaped(data[i + 1], delimiter, out);
		from = i + 2;
		i++;
	}
	buf_add(out, data + from, len - from);
}

bool csv_is_null(const char *cell)
{
	static const char *const words[] = { "NULL", "\\N", "(null)", "(NULL)",
		"#N/A" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(cell, words[i]) == 0)
			return true;
	return false;
}
