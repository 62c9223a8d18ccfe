#include "service/import_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/import.h"
#include "service/address.h"
#include "service/import_encoding.h"
#include "service/import_guess.h"
#include "service/import_text.h"

enum {
	PROBE_ROWS = 20,
	PROBE_BYTES = 256 * 1024,
	PIECE = 1024 * 1024,
	NAME_BYTES = 200,
	SAMPLE_BYTES = 200,
	SAMPLES_BYTES = 4 * 1024 * 1024,
	SCOPE_ROWS = 10000
};

static const struct {
	char c;
	const char *name;
} delimiters[] = { { ',', "commas" }, { ';', "semicolons" }, { '\t', "tabs" },
	{ '|', "bars" } };

const char *import_delimiter_name(char delimiter)
{
	for (size_t i = 0; i < sizeof(delimiters) / sizeof(*delimiters); i++)
		if (delimiters[i].c == delimiter)
			return delimiters[i].name;
	return "commas";
}

/* The next row of data held in memory, fed piece by piece from *fed. */
static enum csv_got next_row(struct csv_reader *r, const char *data, size_t len,
    size_t *fed)
{
	enum csv_got got;

	while ((got = csv_reader_next(r)) == CSV_GOT_MORE) {
		size_t n = len - *fed < PIECE ? len - *fed : PIECE;

		csv_reader_feed(r, data + *fed, n, *fed + n == len);
		*fed += n;
	}
	return got;
}

/* How well a delimiter fits: the number of cells that most rows have. */
static size_t fits(const char *data, size_t len, char delimiter)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "fits");
	struct csv_reader *r = csv_reader_new(tmp, delimiter, 0);
	size_t fed = 0, rows = 0, n[PROBE_ROWS], best = 1, most = 0;

	if (len > PROBE_BYTES)
		len = PROBE_BYTES;
	while (rows < PROBE_ROWS && next_row(r, data, len, &fed) == CSV_GOT_ROW)
		n[rows++] = csv_reader_count(r);
	for (size_t i = 0; i < rows; i++) {
		size_t same = 0;

		for (size_t k = 0; k < rows; k++)
			same += n[k] == n[i];
		if (same > most || (same == most && n[i] > best)) {
			most = same;
			best = n[i];
		}
	}
	return most * 2 >= rows ? best : 1;
}

static char guess_delimiter(const char *data, size_t len)
{
	size_t best = 1;
	char c = ',';

	for (size_t i = 0; i < sizeof(delimiters) / sizeof(*delimiters); i++) {
		size_t n = fits(data, len, delimiters[i].c);

		if (n > best) {
			best = n;
			c = delimiters[i].c;
		}
	}
	return c;
}

/* "sep=;" is what Excel writes and reads in a first line of its own. */
static void skip_sep(struct import_file *x, size_t *at)
{
	if (x->len > 5 && strncasecmp(x->data, "sep=", 4) == 0 &&
	    (x->data[5] == '\n' || x->data[5] == '\r')) {
		x->delimiter = x->data[4];
		*at = x->data[5] == '\r' && x->len > 6 && x->data[6] == '\n' ? 7 : 6;
	}
}

static char *cut(void *mem, const char *s, size_t max)
{
	size_t n = strlen(s);

	if (n > max) {
		n = max;
		while (n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80)
			n--;
	}
	return mem_strn(mem, s, n);
}

static char *name_of(void *mem, const char *cell, size_t i)
{
	char *name = text_trim(mem, cut(mem, cell, NAME_BYTES));

	for (char *p = name; *p; p++)
		if ((unsigned char)*p < 32 || *p == 127)
			*p = ' ';
	return *name ? name : mem_printf(mem, "Column %zu", i + 1);
}

/* True if the row has an address: then it is data, and the file has no header. */
static bool has_address(const struct csv_reader *r)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "address");
	struct address a;
	const char *why;

	for (size_t i = 0; i < csv_reader_count(r); i++) {
		const char *cell = csv_reader_cell(r, i, NULL);

		if (strchr(cell, '@') && address_parse(tmp, cell, &a, &why) == OK)
			return true;
	}
	return false;
}

/* A name that none of the columns before has: "Email", then "Email 2". */
static const char *own_name(struct import_file *x, const char *name, size_t upto)
{
	const char *own = name;

	for (int n = 2;; n++) {
		bool taken = false;

		for (size_t i = 0; i < upto; i++)
			taken |= text_equal(x->names[i], own);
		if (!taken)
			return own;
		own = mem_printf(x, "%s %d", name, n);
	}
}

static enum err read_names(struct import_file *x, const struct csv_reader *r,
    struct form *f)
{
	x->columns = csv_reader_count(r);
	/* trailing delimiters make empty columns: they are none */
	while (x->columns > 1 && !*csv_reader_cell(r, x->columns - 1, NULL) &&
	    x->columns <= IMPORT_COLUMNS)
		x->columns--;
	if (x->columns > IMPORT_COLUMNS)
		return form_fail(f, "file",
		    "The file has %zu columns; %d are the most. Delete those "
		    "you do not need and upload it again.",
		    x->columns, IMPORT_COLUMNS);
	x->header = !has_address(r);
	x->names = mem_array(x, const char *, x->columns);
	for (size_t i = 0; i < x->columns; i++)
		x->names[i] = own_name(x,
		    name_of(x, x->header ? csv_reader_cell(r, i, NULL) : "", i), i);
	return OK;
}

static void take_sample(struct import_file *x, const struct csv_reader *r,
    size_t *bytes)
{
	const char **row = mem_array(x, const char *, x->columns);

	for (size_t i = 0; i < x->columns; i++) {
		row[i] = cut(x, csv_reader_cell(r, i, NULL), SAMPLE_BYTES);
		*bytes += strlen(row[i]);
	}
	x->samples[x->nsamples++] = row;
}

/* Backslashes before quotes become the quotes of CSV. */
static void unescape(struct import_file *x)
{
	struct buf *b;

	x->escaped = csv_has_escapes(x->data, x->len);
	if (!x->escaped)
		return;
	b = buf_new(x);
	csv_unescape(x->data, x->len, x->delimiter, b);
	x->data = b->data;
	x->len = b->len;
}

static size_t filled(const struct csv_reader *r)
{
	size_t n = 0;

	for (size_t i = 0; i < csv_reader_count(r); i++)
		n += *csv_reader_cell(r, i, NULL) != '\0';
	return n;
}

static bool names_email(const struct csv_reader *r)
{
	for (size_t i = 0; i < csv_reader_count(r); i++)
		if (import_is_email_name(csv_reader_cell(r, i, NULL)))
			return true;
	return false;
}

/*
 * Reports have lines above the names of the columns: a title, a date, who made it.  The
 * names stand in the row that has one for the addresses, else in the fullest row above
 * the first address.  Moves *at there; without an address nothing is skipped.
 */
static void skip_titles(struct import_file *x, size_t *at)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "titles");
	struct csv_reader *r = csv_reader_new(tmp, x->delimiter, (int64_t)*at);
	size_t fed = *at, begin = *at, from = *at, most = 0;
	int64_t rows = 0, titles = 0;

	for (; rows < PROBE_ROWS && next_row(r, x->data, x->len, &fed) == CSV_GOT_ROW;
	     rows++, begin = (size_t)csv_reader_position(r)) {
		bool named = names_email(r), data = has_address(r);
		size_t n = data ? 0 : filled(r);

		if (data && most * 2 < filled(r)) {
			from = begin;
			titles = rows;
		}
		if (named || n > most) {
			most = n;
			from = begin;
			titles = rows;
		}
		if (named || data) {
			*at = from;
			x->titles = titles;
			return;
		}
	}
}

static enum err read_rows(struct import_file *x, struct form *f)
{
	struct csv_reader *r;
	size_t at = 0, fed, bytes = 0;
	enum csv_got got;

	skip_sep(x, &at);
	if (!x->delimiter)
		x->delimiter = guess_delimiter(x->data + at, x->len - at);
	unescape(x);
	skip_titles(x, &at);
	fed = at;
	r = csv_reader_new(x, x->delimiter, (int64_t)at);
	got = next_row(r, x->data, x->len, &fed);
	if (got == CSV_GOT_END)
		return form_fail(f, "file", "The file is empty.");
	if (got == CSV_GOT_BAD)
		return form_fail(f, "file", "The first line cannot be read: %s",
		    csv_reader_why(r));
	if (read_names(x, r, f) != OK)
		return ERR_INVALID;
	x->data_at = x->header ? csv_reader_position(r) : (int64_t)at;
	x->samples = mem_array(x, const char **, IMPORT_SAMPLES);
	if (!x->header)
		take_sample(x, r, &bytes);
	while (x->nsamples < IMPORT_SAMPLES && bytes < SAMPLES_BYTES) {
		got = next_row(r, x->data, x->len, &fed);
		if (got == CSV_GOT_END)
			break;
		if (got == CSV_GOT_ROW)
			take_sample(x, r, &bytes);
	}
	return OK;
}

static bool is_blank(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strchr(" \t\r\n", s[i]))
			return false;
	return true;
}

enum err import_file_read(void *mem, const struct form_file *up, struct form *f,
    struct import_file **out)
{
	struct import_file *x = mem_new(mem, struct import_file);
	const char *named = form_get(f, "encoding"), *encoding, *why;
	struct import_text t;

	*out = x;
	encoding = text_empty(named) ? NULL : import_encoding_from(named);
	if (!text_empty(named) && !encoding)
		return form_fail(f, "encoding",
		    "There is no encoding “%.40s” here. Leave it out to have it "
		    "guessed.",
		    named);
	if (!up || (up->len == 0 && text_empty(up->name)))
		return form_fail(f, "file", "Choose a CSV file.");
	if (up->len > IMPORT_MAX)
		return form_fail(f, "file",
		    "The file is larger than 100 MB. Split it in parts.");
	if (import_text(x, up->data, up->len, encoding, &t, &why) != OK)
		return form_fail(f, "file", "%s", why);
	if (is_blank(t.data, t.len))
		return form_fail(f, "file", "The file is empty.");
	x->data = t.data;
	x->len = t.len;
	x->encoding = t.encoding;
	x->doubtful = t.doubtful;
	x->mixed = t.mixed;
	return read_rows(x, f);
}

static uint64_t hash_of(const char *s)
{
	uint64_t h = 14695981039346656037ULL;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211ULL;
	return h;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static struct import_words *words_of(struct import_file *x)
{
	struct import_words *all = mem_array(x, struct import_words, x->columns);

	for (size_t i = 0; x->header && i < x->columns; i++)
		all[i].meaning = import_status_of_name(x->names[i]);
	return all;
}

static void take_words(struct import_file *x, const struct csv_reader *r, int email,
    struct import_words *all)
{
	for (size_t i = 0; i < x->columns; i++)
		if ((int)i != email)
			import_words_take(&all[i], x,
			    csv_unguard(csv_reader_cell(r, i, NULL)));
}

/* Notes the address of a row; scope: memory for a few thousand rows. */
static void scan_row(const struct csv_reader *r, int email, void *scope,
    struct buf *hashes, struct import_scan *out)
{
	struct address a;
	const char *why;
	uint64_t h;

	if (email < 0)
		return;
	if (address_parse(scope, csv_unguard(csv_reader_cell(r, (size_t)email, NULL)),
		&a, &why) != OK) {
		out->bad++;
		return;
	}
	h = hash_of(a.key);
	buf_add(hashes, &h, sizeof(h));
}

static void count_repeated(struct buf *hashes, struct import_scan *out)
{
	uint64_t *all = (uint64_t *)(void *)hashes->data;
	size_t n = hashes->len / sizeof(*all);

	if (n > 1)
		qsort(all, n, sizeof(*all), by_value);
	for (size_t i = 1; i < n; i++)
		out->repeated += all[i] == all[i - 1];
}

enum err import_file_scan(struct import_file *x, int email, struct form *f,
    struct import_scan *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "scan");
	struct csv_reader *r = csv_reader_new(tmp, x->delimiter, x->data_at);
	struct buf *hashes = buf_new(tmp);
	void *scope = mem_scope(tmp, "rows");
	size_t fed = (size_t)x->data_at;
	enum csv_got got;

	*out = (struct import_scan){ .words = words_of(x) };
	while ((got = next_row(r, x->data, x->len, &fed)) != CSV_GOT_END) {
		if (got == CSV_GOT_ROW) {
			scan_row(r, email, scope, hashes, out);
			take_words(x, r, email, out->words);
		} else {
			out->bad++;
		}
		if (++out->rows % SCOPE_ROWS == 0) {
			mem_free(scope);
			scope = mem_scope(tmp, "rows");
		}
	}
	if (out->rows == 0)
		return form_fail(f, "file",
		    "The file has names of columns and no rows.");
	if (out->rows > IMPORT_ROWS)
		return form_fail(f, "file",
		    "The file has %s rows; 1,000,000 are the most. Split it "
		    "in parts.",
		    text_count(tmp, out->rows));
	count_repeated(hashes, out);
	return OK;
}
