#include "base/json.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tap.h"

static const char *read_back(void *mem, const char *s)
{
	struct json_object *o;
	const char *why = NULL;

	if (json_read(mem, s, strlen(s), &o, &why) != OK)
		return why ? why : "no reason";
	return json_write(mem, o);
}

static void accepts(void *mem)
{
	static const char *const good[] = { "{}", "[]", "null", "true", "12", "\"x\"",
		"{\"a\":[1,2.5,{\"b\":null}],\"c\":\"\\u00e9\"}", "-0.5",
		"[\"a\\\\u0000\"]", " [ 1 ] ", "9223372036854775807", NULL };
	struct json_object *o;
	int refused = 0;

	for (int i = 0; good[i] != NULL; i++) {
		enum err e = json_read(mem, good[i], strlen(good[i]), &o, NULL);

		if (e != OK)
			diag("refused: %s", good[i]);
		refused += e != OK;
	}
	is_int(refused, 0, "json_read takes every kind of document");
	is_text(read_back(mem, "{\"a\": \"x/y\", \"b\": [1, 2]}"),
	    "{\"a\":\"x/y\",\"b\":[1,2]}",
	    "json_write is compact and leaves slashes alone");
	is_text(read_back(mem, "\"\\u00e9\\ud83d\\udcec\""),
	    "\"\xc3\xa9\xf0\x9f\x93\xac\"", "json_read joins surrogates");
}

static void refuses(void *mem)
{
	static const char *const bad[] = { "", " ", "{", "[1,", "{\"a\":1,}", "[1]x",
		"[1][2]", "{'a':1}", "nul", "NaN", "[Infinity]", "[-Infinity]",
		"[1e999]", "[01]", "{\"a\":\"\\u0000\"}", "{\"\\u0000\":1}",
		"[1] /* x */", "[\"a\nb\"]", "\"\xff\"", "[\"\\x\"]", "{\"a\" 1}",
		"// c\n1", "TRUE", "1 2", "-", "\"abc", NULL };
	struct json_object *o = NULL;
	int taken = 0;

	for (int i = 0; bad[i] != NULL; i++) {
		const char *why = NULL;
		bool good = json_read(mem, bad[i], strlen(bad[i]), &o, &why) == OK;

		if (good || o != NULL || why == NULL)
			diag("taken: %s", bad[i]);
		taken += good || o != NULL || why == NULL;
	}
	is_int(taken, 0, "json_read refuses what is no JSON, with a reason");
	ok(json_read(mem, "[1]\0", 4, &o, NULL) == ERR_MALFORMED,
	    "json_read refuses a raw NUL");
	ok(json_read(mem, "[1]xyz", 3, &o, NULL) == OK,
	    "json_read reads n bytes and no more");
	is_text(read_back(mem, "[1, x]"),
	    "This is not valid JSON: unexpected character at byte 5.",
	    "json_read names the place");
}

static void depth(void *mem)
{
	struct buf *b = buf_new(mem);
	struct json_object *o;

	for (int i = 0; i < 31; i++)
		buf_char(b, '[');
	for (int i = 0; i < 31; i++)
		buf_char(b, ']');
	ok(json_read(mem, b->data, b->len, &o, NULL) == OK,
	    "json_read takes 31 levels");
	buf_reset(b);
	for (int i = 0; i < 33; i++)
		buf_char(b, '[');
	for (int i = 0; i < 33; i++)
		buf_char(b, ']');
	ok(json_read(mem, b->data, b->len, &o, NULL) == ERR_MALFORMED,
	    "json_read refuses 33");
}

static void setters(void *mem)
{
	struct json_object *o = json_obj(mem), *list = json_arr(mem);

	json_set_text(o, "name", NULL);
	json_set_int(o, "big", INT64_MAX);
	json_set_double(o, "share", 0.1 + 0.2);
	json_set_double(o, "nice", 39.9);
	json_set_double(o, "nan", NAN);
	json_set_bool(o, "yes", true);
	json_set_time(o, "at", 1795510800000);
	json_set_time(o, "never", 0);
	json_push_int(list, 1);
	json_push_text(list, "a\"b");
	json_push(list, json_obj(mem));
	json_set(o, "list", list);
	json_set(o, "same", list);
	is_text(json_write(mem, o),
	    "{\"name\":null,\"big\":9223372036854775807,"
	    "\"share\":0.30000000000000004,\"nice\":39.9,\"nan\":null,\"yes\":true,"
	    "\"at\":\"2026-11-24T09:00:00Z\",\"never\":null,\"list\":[1,\"a\\\"b\",{}],"
	    "\"same\":[1,\"a\\\"b\",{}]}",
	    "setters write what they are given");
}

static void getters(void *mem)
{
	struct json_object *o = NULL;
	const char *s = "{\"t\":\"x\",\"i\":5,\"b\":true,\"n\":null,\"d\":1.5}";

	ok(json_read(mem, s, strlen(s), &o, NULL) == OK, "json_read reads an object");
	is_text(json_text(o, "t", "?"), "x", "json_text gives text");
	is_text(json_text(o, "i", "?"), "?",
	    "json_text does not turn numbers into text");
	is_text(json_text(o, "n", "?"), "?", "json_text of null is the default");
	is_int(json_int(o, "i", 9), 5, "json_int gives a number");
	is_int(json_int(o, "t", 9), 9, "json_int of text is the default");
	is_int(json_int(o, "d", 9), 9, "json_int of a fraction is the default");
	ok(json_flag(o, "b", false) && !json_flag(o, "i", false),
	    "json_flag wants a boolean");
	ok(json_get(o, "zzz") == NULL && json_get(NULL, "a") == NULL &&
		json_get(json_arr(mem), "a") == NULL,
	    "json_get of what is no object is NULL");
}

/* Ownership: the reference counts must come out even, or a sanitizer build tells. */
static void owning(void)
{
	void *mem = mem_scope(NULL, "a"), *other = mem_scope(NULL, "b");
	struct json_object *child = json_obj(mem), *parent = json_obj(other);

	json_set_text(child, "k", "v");
	json_set(parent, "child", child);
	mem_free(mem);
	is_text(json_write(other, parent), "{\"child\":{\"k\":\"v\"}}",
	    "json_set keeps a child alive after its first owner");
	mem_free(other);
	ok(json_own(NULL, NULL) == NULL, "json_own of NULL is NULL");
}

static void escaping(void *mem)
{
	struct buf *b = buf_new(mem);
	char all[128];
	struct json_object *o = NULL;

	for (int i = 0; i < 127; i++)
		all[i] = (char)(i + 1);
	buf_str(b, "[\"");
	json_escape(b, all, 127);
	buf_str(b, "\xc3\xa9\"]");
	ok(json_read(mem, b->data, b->len, &o, NULL) == OK,
	    "json_escape makes valid JSON");
	all[127] = '\0';
	ok(o != NULL &&
		text_starts(json_object_get_string(json_object_array_get_idx(o, 0)),
		    all),
	    "json_escape loses nothing");
	buf_reset(b);
	json_escape(b, "a\"\\\n\t\x01", 6);
	is_text(b->data, "a\\\"\\\\\\n\\t\\u0001", "json_escape uses the short forms");
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");

	accepts(mem);
	refuses(mem);
	depth(mem);
	setters(mem);
	getters(mem);
	owning();
	escaping(mem);
	mem_free(mem);
	return done_testing();
}
