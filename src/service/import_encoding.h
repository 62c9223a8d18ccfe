#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Encodings of uploads that are no UTF-8.  Which one it is nothing in a file says: it
 * is guessed from which letters come out, and how they stand together.
 */

/* "windows-1250" ..., in the order in which a page offers them; NULL past the end. */
const char *import_encoding_at(size_t i);
/* For people: "Windows-1250 (Central European)". */
const char *import_encoding_label(const char *name);
/* The name as it is stored, from any case ("Windows-1250", "cp1250"); NULL: unknown. */
const char *import_encoding_from(const char *name);

/*
 * The most likely encoding of bytes that are no UTF-8.  *doubtful: another one is
 * nearly as likely, or there is little to go by.
 */
const char *import_encoding_guess(const char *data, size_t len, bool *doubtful);

/* Appends data as UTF-8; bytes that mean nothing become U+FFFD. */
void import_encoding_decode(const char *encoding, const char *data, size_t len,
    struct buf *out);
