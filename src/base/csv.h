#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Comma-separated values, read as a stream and written.
 *
 * The reader is fed bytes and gives rows.  A row that cannot be read costs that row
 * only: a quote that is never closed spoils the line it stands in, and reading goes on
 * at the next line.  After each row the position in the file is known, so that reading
 * can be taken up there later.  Blank lines are no rows.
 */
struct csv_reader;

enum { CSV_CELL_MAX = 64 * 1024, CSV_ROW_MAX = 4 * 1024 * 1024, CSV_CELLS_MAX = 1024 };

enum csv_got {
	CSV_GOT_ROW,
	CSV_GOT_BAD,  /* a row that cannot be read; csv_reader_why says why */
	CSV_GOT_MORE, /* feed more */
	CSV_GOT_END,
};

/* position: of the first byte that will be fed. */
struct csv_reader *csv_reader_new(void *mem, char delimiter, int64_t position);
/* data is copied. last: the file ends here. */
void csv_reader_feed(struct csv_reader *r, const char *data, size_t n, bool last);
enum csv_got csv_reader_next(struct csv_reader *r);

/* Of the row just given; all live until the next call. */
size_t csv_reader_count(const struct csv_reader *r);
/* Cell i, trimmed if it was not quoted; "" past the end. len may be NULL. */
const char *csv_reader_cell(const struct csv_reader *r, size_t i, size_t *len);
/* The bytes as they stand in the file, without the line end, cut at 1,000 bytes. */
const char *csv_reader_raw(const struct csv_reader *r, size_t *len);
/* A sentence. */
const char *csv_reader_why(const struct csv_reader *r);
/* First byte after the row. */
int64_t csv_reader_position(const struct csv_reader *r);

/*
 * MySQL (SELECT INTO OUTFILE) and programs like it write \" where CSV has "", and \N
 * for nothing.  csv_has_escapes tells whether a text does, from its beginning;
 * csv_unescape appends it as CSV.
 */
bool csv_has_escapes(const char *data, size_t len);
void csv_unescape(const char *data, size_t len, char delimiter, struct buf *out);

/*
 * Writes one cell, with a comma before it unless it is the first of the line.  A cell
 * that a spreadsheet would take for a formula (= + - @ tab CR, full-width forms) gets a
 * ' in front.
 */
void csv_put(struct buf *b, const char *cell);
void csv_put_int(struct buf *b, int64_t v);
/* in C notation: -1.5 is no formula */
void csv_put_number(struct buf *b, const char *number);
void csv_end_row(struct buf *b); /* CRLF */
/* True for what programs write where there is nothing: NULL, \N, #N/A. */
bool csv_is_null(const char *cell);
/* The text without the ' that csv_put sets before formulas. */
const char *csv_unguard(const char *cell);
