#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * The bytes of an upload as UTF-8 without byte order mark.  encoding: as somebody chose
 * it (import_encoding_from), or NULL: UTF-8 if it is, UTF-16 with or without a mark,
 * else the one import_encoding_guess finds, line by line, so that one line of another
 * encoding costs nothing.  ERR_INVALID and *why, a sentence, when it is no text at all:
 * a workbook, a PDF, an archive ...
 */
struct import_text {
	const char *data;
	size_t len;
	const char *encoding; /* import_encoding_at */
	bool doubtful;        /* guessed, and another one is nearly as likely */
	bool mixed;           /* some lines were UTF-8 */
};
enum err import_text(void *mem, const char *data, size_t len, const char *encoding,
    struct import_text *out, const char **why) MUST_CHECK;
