#include "base/csv.h"

#include <csv.h>
#include <string.h>

#include "base/mem.h"

enum { BAD_RAW = 1000 };

struct csv_reader {
	struct csv_parser p;
	char delimiter;
	struct buf *win;  /* bytes fed and not yet given as rows */
	int64_t base;     /* position in the file of win->data[0] */
	size_t row, scan; /* start of the row; up to where the parser has read */
	bool last, skipping, complete, overfull;
	struct buf *text;             /* the cells, each with a NUL */
	size_t at[CSV_CELLS_MAX + 1]; /* where each begins in text */
	size_t count, longest;
	const char *why;
	size_t raw_at, raw_len;
	struct buf *bad; /* start of a row that was skipped */
	int64_t end;
};

static void on_cell(void *data, size_t len, void *ctx)
{
	struct csv_reader *r = ctx;

	if (len > r->longest)
		r->longest = len;
	if (r->count < CSV_CELLS_MAX) {
		r->at[r->count] = r->text->len;
		buf_add(r->text, data, len);
		buf_char(r->text, '\0');
		r->at[r->count + 1] = r->text->len;
	}
	r->count++;
}

static void on_row(int c, void *ctx)
{
	struct csv_reader *r = ctx;

	(void)c;
	r->complete = true;
}

static int reader_free(struct csv_reader *r)
{
	csv_free(&r->p);
	return 0;
}

struct csv_reader *csv_reader_new(void *mem, char delimiter, int64_t position)
{
	struct csv_reader *r = mem_new(mem, struct csv_reader);

	if (csv_init(&r->p, CSV_STRICT) != 0)
		r->why = ""; /* only for options that do not exist */
	csv_set_delim(&r->p, (unsigned char)delimiter);
	/* 128 bytes at a time would copy a long cell thousands of times */
	csv_set_blk_size(&r->p, 16 * 1024);
	mem_on_free(r, reader_free);
	r->delimiter = delimiter;
	r->win = buf_new(r);
	r->text = buf_new(r);
	r->bad = buf_new(r);
	r->base = r->end = position;
	return r;
}

void csv_reader_feed(struct csv_reader *r, const char *data, size_t n, bool last)
{
	if (r->row > 0) {
		memmove(r->win->data, r->win->data + r->row, r->win->len - r->row);
		buf_cut(r->win, r->win->len - r->row);
		r->base += (int64_t)r->row;
		r->scan -= r->row;
		r->row = 0;
	}
	buf_add(r->win, data, n);
	r->last = last;
}

/* Offset after the line that begins at `from`: after LF, CRLF or CR; 0: no end in
 * sight. */
static size_t line_end(const struct csv_reader *r, size_t from)
{
	const char *d = r->win->data + from;
	size_t n = r->win->len - from;
	const char *lf = n ? memchr(d, '\n', n) : NULL;
	size_t upto = lf ? (size_t)(lf - d) : n;
	const char *cr = upto ? memchr(d, '\r', upto) : NULL;

	if (cr && cr + 1 < d + n && cr[1] != '\n')
		return from + (size_t)(cr - d) + 1;
	if (lf)
		return from + (size_t)(lf - d) + 1;
	return r->last && n ? r->win->len : 0;
}

static void parser_reset(struct csv_reader *r)
{
	csv_fini(&r->p, NULL, NULL, NULL);
	buf_reset(r->text);
	r->count = r->longest = 0;
	r->complete = false;
}

/* The row is settled: it was [r->row, end). */
static void row_is(struct csv_reader *r, size_t end)
{
	r->raw_at = r->row;
	r->raw_len = end - r->row;
	while (
	    r->raw_len > 0 && strchr("\r\n", r->win->data[r->raw_at + r->raw_len - 1]))
		r->raw_len--;
	r->row = r->scan = end;
	r->end = r->base + (int64_t)end;
}

static enum csv_got refuse(struct csv_reader *r, size_t end, const char *why)
{
	row_is(r, end);
	parser_reset(r);
	r->why = why;
	return CSV_GOT_BAD;
}

/* True if a cell of the line begins with a quote: then the quotes in it have a meaning.
 */
static bool is_quoted(const struct csv_reader *r, size_t from, size_t end)
{
	bool at_start = true;

	for (size_t i = from; i < end; i++) {
		char c = r->win->data[i];

		if (at_start && c == '"')
			return true;
		if (c == r->delimiter)
			at_start = true;
		else if (c != ' ')
			at_start = false;
	}
	return false;
}

static void plain_cell(struct csv_reader *r, size_t from, size_t end)
{
	const char *d = r->win->data;

	while (from < end && strchr(" \t\r\n", d[from]))
		from++;
	while (end > from && strchr(" \t\r\n", d[end - 1]))
		end--;
	on_cell(r->win->data + from, end - from, r);
}

/* A line with stray quotes inside unquoted cells (12" vinyl): cut at the delimiters
 * alone. */
static void plain_row(struct csv_reader *r, size_t from, size_t end)
{
	size_t cell = from;

	parser_reset(r);
	for (size_t i = from; i < end; i++) {
		if (r->win->data[i] != r->delimiter)
			continue;
		plain_cell(r, cell, i);
		cell = i + 1;
	}
	plain_cell(r, cell, end);
	r->complete = true;
}

/* One line more for the parser. False: the quotes are wrong. */
static bool take_line(struct csv_reader *r, size_t end)
{
	size_t n = end - r->scan;
	const char *line = r->win->data + r->scan;

	if (csv_parse(&r->p, line, n, on_cell, on_row, r) != n)
		return false;
	/* the last line of a file may want its line end */
	if (!r->complete && r->last && end == r->win->len)
		return csv_parse(&r->p, "\n", 1, on_cell, on_row, r) == 1;
	return true;
}

static enum csv_got given(struct csv_reader *r, size_t end)
{
	row_is(r, end);
	if (r->longest > CSV_CELL_MAX) {
		r->why = "A cell is longer than 64 KB.";
		return CSV_GOT_BAD;
	}
	return CSV_GOT_ROW;
}

/* A row beyond CSV_ROW_MAX without a line end: dropped as it comes, up to the line end.
 */
static enum csv_got skip(struct csv_reader *r)
{
	size_t end = line_end(r, r->row);

	if (!r->skipping) {
		buf_reset(r->bad);
		buf_add(r->bad, r->win->data + r->row, BAD_RAW);
		r->skipping = true;
	}
	if (end == 0 && !r->last) {
		r->row = r->scan = r->win->len;
		return CSV_GOT_MORE;
	}
	r->skipping = false;
	r->overfull = true;
	return refuse(r, end ? end : r->win->len, "A row is longer than 4 MB.");
}

static bool is_blank(const struct csv_reader *r, size_t end)
{
	return strspn(r->win->data + r->row, " \t\r\n") >= end - r->row;
}

/* The quotes of the row that ends (or not) at `end` are wrong: it costs its first line.
 */
static enum csv_got broken(struct csv_reader *r, size_t end, bool first)
{
	if (first && end && !is_quoted(r, r->row, end)) {
		plain_row(r, r->row, end);
		return given(r, end);
	}
	return refuse(r, line_end(r, r->row),
	    "A quote is opened and not closed properly.");
}

enum csv_got csv_reader_next(struct csv_reader *r)
{
	buf_reset(r->text);
	r->count = r->longest = 0;
	r->complete = r->overfull = false;
	r->scan = r->row; /* a row begun before more was fed is read again */
	csv_fini(&r->p, NULL, NULL, NULL);
	if (r->skipping)
		return skip(r);
	for (;;) {
		size_t end = line_end(r, r->scan);
		bool first = r->scan == r->row;

		bool big = r->win->len - r->row > CSV_ROW_MAX;

		if (end == 0 && big && first)
			return skip(r);
		if (end == 0 && !big && !r->last)
			return CSV_GOT_MORE;
		if (end == 0 && first)
			return CSV_GOT_END;
		if (end == 0 || end - r->row > CSV_ROW_MAX || !take_line(r, end))
			return broken(r, end, first);
		if (r->complete)
			return given(r, end);
		r->scan = end;
		if (first && is_blank(r, end))
			r->row = end;
	}
}

size_t csv_reader_count(const struct csv_reader *r)
{
	return r->count;
}

const char *csv_reader_cell(const struct csv_reader *r, size_t i, size_t *len)
{
	bool there = i < r->count && i < CSV_CELLS_MAX;

	if (len)
		*len = there ? r->at[i + 1] - r->at[i] - 1 : 0;
	return there ? r->text->data + r->at[i] : "";
}

const char *csv_reader_raw(const struct csv_reader *r, size_t *len)
{
	*len = r->overfull ? r->bad->len : r->raw_len;
	if (*len > BAD_RAW)
		*len = BAD_RAW;
	if (r->overfull)
		return r->bad->data;
	return r->win->data + r->raw_at;
}

const char *csv_reader_why(const struct csv_reader *r)
{
	return r->why;
}

int64_t csv_reader_position(const struct csv_reader *r)
{
	return r->end;
}

static bool is_formula(const char *s)
{
	static const char *const wide[] = { "＝", "＋", "－", "＠" };

	if (*s && strchr("=+-@\t\r", *s))
		return true;
	for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++)
		if (strncmp(s, wide[i], strlen(wide[i])) == 0)
			return true;
	return false;
}

static void separate(struct buf *b)
{
	if (b->len > 0 && b->data[b->len - 1] != '\n')
		buf_char(b, ',');
}

void csv_put(struct buf *b, const char *cell)
{
	bool guard = is_formula(cell);

	separate(b);
	/* an empty first cell is quoted, so that the next one sees that it is not the
	 * first */
	if (!guard && *cell && !strpbrk(cell, "\",\r\n;\t ")) {
		buf_str(b, cell);
		return;
	}
	buf_char(b, '"');
	if (guard)
		buf_char(b, '\'');
	for (const char *p = cell; *p; p++) {
		if (*p == '"')
			buf_char(b, '"');
		buf_char(b, *p);
	}
	buf_char(b, '"');
}

void csv_put_int(struct buf *b, int64_t v)
{
	separate(b);
	buf_int(b, v);
}

void csv_put_number(struct buf *b, const char *number)
{
	separate(b);
	buf_str(b, number);
}

void csv_end_row(struct buf *b)
{
	buf_str(b, "\r\n");
}

const char *csv_unguard(const char *cell)
{
	return cell[0] == '\'' && is_formula(cell + 1) ? cell + 1 : cell;
}
