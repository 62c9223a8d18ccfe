#include "base/csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tap.h"

/* All rows as text: cells by |, rows by newline; a bad row is !start of its bytes. */
static char *reads(void *mem, const char *file, size_t len, char delimiter,
    size_t piece)
{
	struct csv_reader *r = csv_reader_new(mem, delimiter, 0);
	struct buf *out = buf_new(mem);
	size_t fed = 0, n;

	for (;;) {
		enum csv_got got = csv_reader_next(r);

		if (got == CSV_GOT_END)
			break;
		if (got == CSV_GOT_MORE) {
			n = len - fed < piece ? len - fed : piece;
			csv_reader_feed(r, file + fed, n, fed + n == len);
			fed += n;
			continue;
		}
		for (size_t i = 0; got == CSV_GOT_ROW && i < csv_reader_count(r); i++)
			buf_printf(out, "%s%s", i ? "|" : "",
			    csv_reader_cell(r, i, NULL));
		if (got == CSV_GOT_BAD) {
			const char *raw = csv_reader_raw(r, &n);

			buf_printf(out, "!%.*s", n > 20 ? 20 : (int)n, raw);
		}
		buf_char(out, '\n');
	}
	is_int(csv_reader_position(r) <= (int64_t)len, 1, "stays inside the file");
	return out->data;
}

static void check(void *mem, const char *file, char delimiter, const char *want,
    const char *name)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 1 << 20 };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
		is_text(reads(mem, file, strlen(file), delimiter, pieces[i]), want,
		    "%s (fed by %zu)", name, pieces[i]);
}

static void reading(void *mem)
{
	check(mem, "a,b\n1,2\n", ',', "a|b\n1|2\n", "reads rows");
	check(mem, "a,b\r\n1,2", ',', "a|b\n1|2\n",
	    "reads CRLF, and a last line without end");
	check(mem, "a,b\r1,2\r", ',', "a|b\n1|2\n", "reads CR alone");
	check(mem, "a;b\n\n\r\n   \n1;2\n\n", ';', "a|b\n1|2\n", "skips blank lines");
	check(mem, "a\t b \n\t\n", '\t', "a|b\n|\n", "trims unquoted cells; tabs");
	check(mem, "a,\"x\r\ny\"\n1,\" 2 \"\n", ',', "a|x\r\ny\n1| 2 \n",
	    "keeps quoted line ends");
	check(mem, "a,\"say \"\"hi\"\"\"\n", ',', "a|say \"hi\"\n",
	    "reads doubled quotes");
	check(mem, "12\" vinyl,b\nc,d\n", ',', "12\" vinyl|b\nc|d\n",
	    "takes a stray quote");
	check(mem, "", ',', "", "reads nothing from nothing");
	check(mem, ",\n", ',', "|\n", "reads empty cells");
}

static void breaking(void *mem)
{
	check(mem, "a,\"open,x\nb,2\nc,3\n", ',', "!a,\"open,x\nb|2\nc|3\n",
	    "gives up only the line of an open quote");
	check(mem, "a,\"open\nb,\"2\"\nc,3\n", ',', "!a,\"open\nb|2\nc|3\n",
	    "also when a quoted row follows");
	check(mem, "a,\"x\"y,z\nb,2\n", ',', "!a,\"x\"y,z\nb|2\n",
	    "refuses text after a quote");
	check(mem, "a,\"open\nb,\"open\nc,3", ',', "!a,\"open\n!b,\"open\nc|3\n",
	    "two of them cost two lines");
	check(mem, "a,1\nb,\"open", ',', "a|1\n!b,\"open\n",
	    "an open quote at the end");
}

static void limits(void *mem)
{
	size_t n = 6 * 1024 * 1024;
	char *big = mem_zero(mem, n + 100, "big");

	memset(big, 'x', 1024 * 1024);
	strcpy(big + 1024 * 1024, ",1\nb,2\n");
	is_text(reads(mem, big, strlen(big), ',', 1 << 20),
	    "!xxxxxxxxxxxxxxxxxxxx\nb|2\n", "refuses a cell of 1 MB and goes on");
	big[0] = '"';
	big[10] = '\n';
	big[1024 * 1024 - 1] = '"';
	is_text(reads(mem, big, strlen(big), ',', 1 << 20),
	    "!\"xxxxxxxxx\nxxxxxxxxx\nb|2\n",
	    "refuses a quoted cell of 1 MB as one row");
	memset(big, 'x', n);
	strcpy(big + n, ",1\nb,2\n");
	is_text(reads(mem, big, strlen(big), ',', 1 << 20),
	    "!xxxxxxxxxxxxxxxxxxxx\nb|2\n", "skips a row beyond 4 MB");
	big[0] = '"';
	memcpy(big + 6, "\nb,2\n", 5);
	ok(text_starts(reads(mem, big, strlen(big), ',', 1 << 20),
	       "!\"xxxxx\nb|2\n!xxxx"),
	    "an open quote before a row beyond 4 MB costs its line only");
}

static void position(void *mem)
{
	const char *file = "a,b\r\n\"1\n1\",2\r\nbad,\"x\n3,4\n";
	struct csv_reader *r = csv_reader_new(mem, ',', 0);

	csv_reader_feed(r, file, strlen(file), true);
	ok(csv_reader_next(r) == CSV_GOT_ROW, "gives a row");
	is_int(csv_reader_position(r), 5, "knows the byte after it");
	ok(csv_reader_next(r) == CSV_GOT_ROW, "gives a row of two lines");
	is_int(csv_reader_position(r), 14, "knows the byte after that");
	ok(csv_reader_next(r) == CSV_GOT_BAD, "gives a bad row");
	is_int(csv_reader_position(r), 21, "knows where its line ends");

	r = csv_reader_new(mem, ',', 14);
	csv_reader_feed(r, file + 14, strlen(file) - 14, true);
	ok(csv_reader_next(r) == CSV_GOT_BAD, "goes on at a position");
	ok(csv_reader_next(r) == CSV_GOT_ROW, "and gives the next row");
	is_text(csv_reader_cell(r, 0, NULL), "3", "which is the right one");
	is_int(csv_reader_position(r), (int64_t)strlen(file), "up to the end");
	is_text(csv_reader_cell(r, 9, NULL), "", "a cell past the end is empty");
}

static void writing(void *mem)
{
	struct buf *b = buf_new(mem);

	csv_put(b, "");
	csv_put(b, "a,b");
	csv_put(b, "say \"hi\"");
	csv_put(b, "=1+1");
	csv_put(b, "+49 511");
	csv_put(b, "-1");
	csv_put(b, "@x");
	csv_put(b, "\tx");
	csv_put(b, "＝1");
	csv_put_int(b, -5);
	csv_end_row(b);
	csv_put(b, "x");
	csv_end_row(b);
	is_text(b->data,
	    "\"\",\"a,b\",\"say \"\"hi\"\"\",\"'=1+1\",\"'+49 511\",\"'-1\",\"'@x\","
	    "\"'\tx\",\"'＝1\",-5\r\nx\r\n",
	    "csv_put quotes, and guards formulas");
	is_text(csv_unguard("'=1+1"), "=1+1", "csv_unguard takes the guard away");
	is_text(csv_unguard("'tis"), "'tis", "and nothing else");
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");

	reading(mem);
	breaking(mem);
	limits(mem);
	position(mem);
	writing(mem);
	return done_testing();
}
