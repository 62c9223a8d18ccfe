#include <string.h>

#include "base/buf.h"
#include "base/csv.h"
#include "base/mem.h"
#include "fuzz/fuzz.h"

/*
 * The first byte: how large the pieces are in which the rest is fed.  Rows do not
 * depend on that; and a cell that is written is read again as it was.
 */
const size_t fuzz_max = 8000;

static void take_row(struct csv_reader *r, enum csv_got got, struct buf *out)
{
	size_t len;

	buf_printf(out, "%d %lld:", (int)got, (long long)csv_reader_position(r));
	if (got == CSV_GOT_BAD)
		FUZZ_CHECK(csv_reader_why(r)[0] != '\0');
	for (size_t i = 0; got == CSV_GOT_ROW && i < csv_reader_count(r); i++) {
		const char *cell = csv_reader_cell(r, i, &len);

		FUZZ_CHECK(len <= CSV_CELL_MAX);
		buf_char(out, '|');
		buf_add(out, cell, len);
	}
	csv_reader_raw(r, &len);
	buf_printf(out, " %zu\n", len);
}

static struct buf *rows(void *mem, const char *s, size_t n, size_t piece)
{
	struct csv_reader *r = csv_reader_new(mem, ',', 0);
	struct buf *out = buf_new(mem);
	size_t at = 0;

	for (;;) {
		enum csv_got got = csv_reader_next(r);

		if (got == CSV_GOT_END)
			return out;
		if (got == CSV_GOT_MORE) {
			size_t some = n - at < piece ? n - at : piece;

			csv_reader_feed(r, s + at, some, at + some == n);
			at += some;
		} else {
			take_row(r, got, out);
			FUZZ_CHECK(csv_reader_position(r) <= (int64_t)n);
		}
	}
}

static void round_trip(void *mem, const char *text)
{
	struct buf *b = buf_new(mem);
	struct csv_reader *r = csv_reader_new(mem, ',', 0);

	csv_put(b, text);
	csv_put(b, "end");
	csv_end_row(b);
	csv_reader_feed(r, b->data, b->len, true);
	FUZZ_CHECK(csv_reader_next(r) == CSV_GOT_ROW);
	FUZZ_CHECK(csv_reader_count(r) == 2);
	FUZZ_CHECK(strcmp(csv_unguard(csv_reader_cell(r, 0, NULL)), text) == 0 ||
	    text[0] == '\'');
}

void fuzz_one(void *mem, const char *s, size_t n)
{
	struct buf *whole, *parts;

	if (n == 0)
		return;
	whole = rows(mem, s + 1, n - 1, n);
	parts = rows(mem, s + 1, n - 1, (unsigned char)s[0] % 64 + 1);
	FUZZ_CHECK(whole->len == parts->len &&
	    memcmp(whole->data, parts->data, whole->len) == 0);
	round_trip(mem, fuzz_text(mem, s + 1, n - 1));
}
