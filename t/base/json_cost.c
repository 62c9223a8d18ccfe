#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cost.h"
#include "tap.h"

/* Documents of every shape, small and large: begin, part after part, end. */
static const struct shape {
	const char *name, *begin, *part, *end;
	int grows; /* the part is one text: it is not repeated behind a comma */
} shapes[] = {
	{ "objects", "[", "{}", "]", 0 },
	{ "objects with a name", "[", "{\"a\":1}", "]", 0 },
	{ "lists", "[", "[]", "]", 0 },
	{ "lists of lists", "[", "[[[[]]]]", "]", 0 },
	{ "digits", "[", "1", "]", 0 },
	{ "numbers", "[", "123456", "]", 0 },
	{ "fractions", "[", "1.5", "]", 0 },
	{ "long fractions", "[", "0.12345678901234567890123456789", "]", 0 },
	{ "nothing", "[", "null", "]", 0 },
	{ "yes", "[", "true", "]", 0 },
	{ "empty texts", "[", "\"\"", "]", 0 },
	{ "texts", "[", "\"abcdefghijklmnop\"", "]", 0 },
	{ "names", "{", "\"k%d\":1", "}", 0 },
	{ "long names", "{", "\"%030d\":\"\"", "}", 0 },
	{ "one text", "\"", "abcdefghij", "\"", 1 },
	{ "one text of escapes", "\"", "\\u00e9", "\"", 1 },
	{ "one number", "1", "1234567890", "", 1 },
	{ "one name", "{\"", "abcdefghij", "\":1}", 1 },
	{ "ends within text", "[\"", "abcdefghij", "", 1 },
	{ "ends within lists", "[", "[]", "", 0 },
	{ "opens only", "", "[", "", 1 },
};

static const char *document(void *mem, const struct shape *s, int parts)
{
	struct buf *b = buf_new(mem);

	buf_str(b, s->begin);
	for (int i = 0; i < parts; i++) {
		if (i > 0 && !s->grows)
			buf_char(b, ',');
		if (text_equal(s->part, "\"k%d\":1"))
			buf_printf(b, "\"k%d\":1", i);
		else if (text_starts(s->part, "\"%030d"))
			buf_printf(b, "\"%030d\":\"\"", i);
		else
			buf_str(b, s->part);
	}
	buf_str(b, s->end);
	return b->data;
}

/* What is said of a document is never less than what reading it takes. */
static void measured(void *mem)
{
	static const int parts[] = { 1, 10, 33, 1000, 30000 };
	size_t worst = 0, most = 0;
	int under = 0;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		for (size_t k = 0; k < sizeof(parts) / sizeof(*parts); k++) {
			MEM_SCOPE void *tmp = mem_scope(mem, "document");
			const char *text = document(tmp, &shapes[i], parts[k]);
			size_t n = strlen(text), said = json_cost(text, n).bytes;
			struct json_object *o;
			struct cost c;

			cost_begin();
			if (json_read(tmp, text, n, &o, NULL) == OK)
				worst = worst > n ? worst : n;
			c = cost_end();
			most = c.peak > most ? c.peak : most;
			if (c.peak <= said)
				continue;
			under++;
			diag("%s x %d: %zu bytes took %zu, told %zu", shapes[i].name,
			    parts[k], n, c.peak, said);
		}
	}
	if (cost_counts())
		ok(under == 0 && most > 1000000,
		    "json_cost tells no less than reading takes");
	else
		ok(true, "json_cost # SKIP measured with AddressSanitizer");
	ok(worst > 200000, "... of %zu bytes too", worst);
}

/* No document takes more than the limit, and what does is not begun. */
static void limited(void *mem)
{
	size_t peak = 0, least = 0;
	int refused = 0;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		MEM_SCOPE void *tmp = mem_scope(mem, "document");
		const char *text = document(tmp, &shapes[i], 200000);
		size_t n = strlen(text);
		struct json_object *o;
		const char *why = NULL;
		struct cost c;
		enum err e;

		cost_begin();
		e = json_read_within(tmp, text, n, json_most(n), &o, &why);
		c = cost_end();
		if (e == ERR_TOO_LARGE) {
			refused++;
			least = c.peak > least ? c.peak : least;
			if (o != NULL || text_empty(why))
				diag("%s: no reason", shapes[i].name);
		} else if (c.peak > json_most(n)) {
			peak++;
			diag("%s: %zu of %zu", shapes[i].name, c.peak, json_most(n));
		}
	}
	is_int(refused, 16, "json_read_within refuses what is made to take memory");
	is_int((int64_t)least, 0, "... before it takes any");
	is_int((int64_t)peak, 0, "... and takes no more than that for the rest");
}

static void limits(void *mem)
{
	static const struct shape digits = { "", "[", "1", "]", 0 },
				  objects = { "", "[", "{}", "]", 0 };
	const char *good = document(mem, &digits, JSON_ELEMENTS_MAX - 2),
		   *bad = document(mem, &digits, JSON_ELEMENTS_MAX + 1),
		   *ids = document(mem, &digits, 2000),
		   *many = document(mem, &objects, 70000), *why = NULL;
	struct json_object *o;

	ok(json_read(mem, good, strlen(good), &o, NULL) == OK,
	    "json_read takes 100,000 values");
	ok(json_read(mem, bad, strlen(bad), &o, &why) == ERR_TOO_LARGE,
	    "... and not more");
	is_text(why, "This JSON has more than 100000 values.", "... and says so");
	ok(json_read(mem, many, strlen(many), &o, &why) == ERR_TOO_LARGE,
	    "... nor what takes more than 64 MiB");
	ok(json_read_within(mem, ids, strlen(ids), json_most(strlen(ids)), &o, NULL) ==
		OK,
	    "json_read_within takes 2,000 ids of one digit");
	is_int((int64_t)json_most(100), JSON_MEMORY_MIN, "json_most: something small");
	is_int((int64_t)json_most(1 << 20), 8 << 20, "... eight times a megabyte");
	is_int((int64_t)json_most(100 << 20), JSON_MEMORY_MAX, "... never more");
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");

	measured(mem);
	limited(mem);
	limits(mem);
	mem_free(mem);
	return done_testing();
}
