#pragma once

#include <stddef.h>

#include "base/err.h"

/*
 * The bytes of an upload as UTF-8 without byte order mark: UTF-8 as it is, UTF-16 with
 * a mark, and Windows-1252 line by line, so that one line of another encoding costs
 * nothing. *encoding names it for people.  ERR_INVALID and *why, a sentence, when it is
 * no text at all: a workbook, a PDF, an archive ...
 */
struct import_text {
	const char *data;
	size_t len;
	const char *encoding;
};
enum err import_text(void *mem, const char *data, size_t len, struct import_text *out,
    const char **why) MUST_CHECK;
