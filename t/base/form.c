#include "base/form.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "tap.h"

static struct form *of_json(void *mem, const char *s)
{
	struct form *f = form_new(mem);
	struct json_object *o;
	const char *why = "";

	if (json_read(mem, s, strlen(s), &o, &why) != OK)
		diag("%s", why);
	form_set_json(f, o);
	return f;
}

static void shapes(void *mem)
{
	struct form *f = form_new(mem);

	form_add(f, "a", "1");
	form_add(f, "b", "0");
	form_add(f, "b", "1");
	form_add(f, "c[]", "x");
	form_add(f, "fields[age]", "40");
	form_add(f, "fields[city]", "Bonn");
	form_add(f, "fields", "scalar");
	form_add(f, "[odd]", "1");
	form_add(f, "odd[", "2");
	is_text(json_write(mem, form_values(f)),
	    "{\"a\":\"1\",\"b\":[\"0\",\"1\"],\"c\":[\"x\"],"
	    "\"fields\":{\"age\":\"40\",\"city\":\"Bonn\"},\"[odd]\":\"1\",\"odd[\":"
	    "\"2\"}",
	    "form_add makes arrays of repeated names and objects of names in brackets");
	is_text(form_get(f, "b"), "1", "form_get takes the last of a repeated name");
	is_text(form_get(f, "fields[age]"), "40", "form_get reads a name in brackets");
	ok(form_get(f, "fields") == NULL && form_has(f, "fields"),
	    "form_get of an object is NULL");
	ok(form_get(f, "zzz") == NULL && !form_has(f, "zzz"),
	    "form_get of nothing is NULL");
	ok(form_ok(f), "form_add leaves the form well");
	form_add(f, "bad", "caf\xe9");
	is_text(form_get(f, "bad"), "caf\xef\xbf\xbd",
	    "form_add repairs what is no UTF-8");
	ok(form_error(f, "bad") != NULL, "form_add says so at the field");
}

static void text(void *mem)
{
	struct form *f = form_new(mem);

	form_add(f, "name", "  Ann\r\nLee ");
	form_add(f, "long", "\xc3\xa9\xc3\xa9\xc3\xa9");
	form_add(f, "blank", " \xc2\xa0 ");
	is_text(form_text(f, "name", 1, 7), "Ann\nLee",
	    "form_text trims and counts a line end once");
	ok(form_ok(f), "form_text is content with the bounds");
	is_text(form_text(f, "long", 1, 3), "\xc3\xa9\xc3\xa9\xc3\xa9",
	    "form_text counts characters");
	ok(form_ok(f), "form_text does not count bytes");
	form_text(f, "long", 0, 2);
	is_text(form_error(f, "long"), "Use at most 2 characters; this has 3.",
	    "form_text says how much too long");
	is_text(form_text(f, "blank", 1, 9), "", "form_text of blanks is empty");
	is_text(form_error(f, "blank"), "Please fill this in.",
	    "form_text asks for a value");
	is_text(form_text(f, "absent", 0, 9), "",
	    "form_text of an absent name is empty");
	ok(form_error(f, "absent") == NULL, "form_text lets an optional one be absent");
	form_line(f, "name", 1, 100);
	ok(form_error(f, "name") != NULL, "form_line refuses a line break");
	form_add(f, "odd", "a\nb\x1b[2J");
	form_text(f, "odd", 0, 9);
	ok(form_error(f, "odd") != NULL, "form_text refuses what nobody can see");
	form_add(f, "lines", "a\nb\tc");
	form_text(f, "lines", 0, 9);
	ok(form_error(f, "lines") == NULL, "... and keeps lines");
	form_add(f, "body", " a\r\n ");
	is_text(form_body(f, "body", 5), " a\r\n ", "form_body changes nothing");
	ok(form_error(f, "body") == NULL, "form_body counts bytes");
	form_body(f, "body", 4);
	ok(form_error(f, "body") != NULL, "form_body refuses more than max bytes");
}

static void json_values(void *mem)
{
	struct form *f = of_json(mem,
	    "{\"n\":12,\"t\":\"7\",\"b\":true,\"f\":1.5,\"z\":null,"
	    "\"o\":{},\"l\":[1,\"x\"]}");

	is_int(form_int(f, "n", 0, 20, 5), 12, "form_int reads a JSON number");
	is_int(form_int(f, "t", 0, 20, 5), 7, "form_int reads text");
	is_int(form_int(f, "z", 0, 20, 5), 5, "form_int of null is the default");
	ok(form_bool(f, "b", false), "form_bool reads a JSON boolean");
	is_text(form_get(f, "n"), "12", "form_get gives numbers as text");
	is_text(form_text(f, "z", 0, 9), "", "form_text of null is empty");
	ok(form_ok(f), "and none of these is an error");
	is_int(form_int(f, "f", 0, 20, 5), 5, "form_int of a fraction is the default");
	is_text(form_error(f, "f"), "Enter a whole number.", "form_int says so");
	form_text(f, "o", 0, 9);
	is_text(form_error(f, "o"), "Give one value here, not a list.",
	    "form_text refuses an object");
	ok(form_json(f, "o") != NULL && form_json(f, "l") != NULL,
	    "form_json gives any value");
}

static void numbers(void *mem)
{
	struct form *f = form_new(mem);

	form_add(f, "a", " 21 ");
	form_add(f, "b", "twelve");
	form_add(f, "c", "99999999999999999999");
	form_add(f, "d", "");
	is_int(form_int(f, "d", 1, 9, 4), 4,
	    "form_int of an empty value is the default");
	is_int(form_int(f, "a", 1, 20, 4), 4, "form_int out of range is the default");
	is_text(form_error(f, "a"), "Enter a number from 1 to 20.",
	    "form_int says the range");
	form_int(f, "b", 1, 20, 4);
	is_text(form_error(f, "b"), "Enter a whole number.", "form_int refuses words");
	form_int(f, "c", 1, INT64_MAX, 4);
	ok(form_error(f, "c") != NULL, "form_int refuses what overflows");
}

static void flags(void *mem)
{
	struct form *f = form_new(mem);

	form_add(f, "box", "0");
	form_add(f, "box", "1");
	form_add(f, "on", "on");
	form_add(f, "no", "false");
	form_add(f, "odd", "maybe");
	ok(form_bool(f, "box", false),
	    "form_bool: a checkbox wins over the hidden 0 before it");
	ok(form_bool(f, "on", false) && !form_bool(f, "no", true),
	    "form_bool knows on and false");
	ok(form_bool(f, "absent", true), "form_bool of nothing is the default");
	ok(form_bool(f, "odd", true) && form_error(f, "odd") != NULL,
	    "form_bool refuses maybe");
}

static void times(void *mem)
{
	struct form *f = form_new(mem);

	form_add(f, "utc", "2026-11-24T09:00:00Z");
	form_add(f, "wall", "2026-11-24T10:00");
	form_add(f, "gap", "2026-03-29T02:30");
	form_add(f, "odd", "tomorrow");
	is_int(form_time(f, "utc", "Europe/Berlin"), 1795510800000,
	    "form_time reads RFC 3339");
	is_int(form_time(f, "wall", "Europe/Berlin"), 1795510800000,
	    "form_time reads a wall clock");
	is_int(form_time(f, "absent", "UTC"), 0, "form_time of nothing is 0");
	ok(form_ok(f), "form_time of nothing is no error");
	is_int(form_time(f, "gap", "Europe/Berlin"), 0,
	    "form_time refuses a skipped hour");
	ok(strstr(form_error(f, "gap"), "Europe/Berlin skip") != NULL,
	    "form_time says why");
	is_int(form_time(f, "odd", "UTC"), 0, "form_time refuses words");
	ok(strstr(form_error(f, "odd"), "such as") != NULL, "form_time shows how");
}

static void choices(void *mem)
{
	static const char *const words[] = { "hold", "resend", NULL };
	struct form *f = form_new(mem);

	form_add(f, "a", "resend");
	form_add(f, "b", "Resend");
	is_int(form_choice(f, "a", words, 0), 1, "form_choice gives the index");
	is_int(form_choice(f, "absent", words, -1), -1,
	    "form_choice of nothing is the default");
	is_int(form_choice(f, "b", words, 0), 0, "form_choice is exact");
	is_text(form_error(f, "b"), "Choose one of: hold, resend.",
	    "form_choice names the words");
}

static void ids(void *mem)
{
	struct form *f = form_new(mem),
		    *j = of_json(mem, "{\"l\":[3,\"4\",3],\"bad\":[{}],\"one\":5}");
	int64_t *list;

	form_add(f, "r", "1");
	form_add(f, "r", "2,3");
	form_add(f, "c", " 7 , 8,7,");
	form_add(f, "many", "1,2,3");
	form_add(f, "neg", "1,-2");
	is_int((int64_t)form_ids(f, mem, "r", 9, &list), 3,
	    "form_ids reads repeated names and commas");
	is_int((int64_t)form_ids(f, mem, "c", 9, &list), 2,
	    "form_ids drops repetitions");
	ok(list[0] == 7 && list[1] == 8, "form_ids keeps the order");
	is_int((int64_t)form_ids(j, mem, "l", 9, &list), 2,
	    "form_ids reads a JSON array");
	is_int((int64_t)form_ids(j, mem, "one", 9, &list), 1,
	    "form_ids reads a single number");
	is_int((int64_t)form_ids(f, mem, "absent", 9, &list), 0,
	    "form_ids of nothing is empty");
	ok(form_ok(f) && form_ok(j), "and none of these is an error");
	is_int((int64_t)form_ids(f, mem, "many", 2, &list), 2, "form_ids stops at max");
	is_text(form_error(f, "many"), "Choose at most 2.", "form_ids says the limit");
	form_ids(f, mem, "neg", 9, &list);
	ok(form_error(f, "neg") != NULL, "form_ids refuses negatives");
	form_ids(j, mem, "bad", 9, &list);
	ok(form_error(j, "bad") != NULL, "form_ids refuses objects");
}

static void files_and_errors(void *mem)
{
	struct form *f = form_new(mem);
	struct form_file one = { .field = "file",
		.name = "a.csv",
		.type = "text/csv",
		.data = "x",
		.len = 1 },
			 two = { .field = "file",
				 .name = "b.csv",
				 .type = "",
				 .data = "yy",
				 .len = 2 };

	form_add_file(f, &one);
	form_add_file(f, &two);
	is_text(form_file(f, "file")->name, "a.csv",
	    "form_file finds the first of a field");
	is_text(form_file(f, "file")->next->name, "b.csv",
	    "form_add_file keeps the order");
	ok(form_file(f, "other") == NULL, "form_file of nothing is NULL");
	ok(form_fail(f, "x", "First %d.", 1) == ERR_INVALID && !form_ok(f),
	    "form_fail spoils the form");
	ok(form_fail(f, "x", "Second.") == ERR_INVALID, "form_fail may come twice");
	is_text(form_error(f, "x"), "First 1.", "form_fail: the first sentence stays");
	is_text(json_write(mem, form_errors(f)), "{\"x\":\"First 1.\"}",
	    "form_errors has them all");
}

/* What form_only says of one field that is not known. */
static const char *told(void *mem, const char *names, const char *sent)
{
	struct form *f = form_new(mem);

	form_add(f, sent, "1");
	if (form_only(f, names, "csrf"))
		return "";
	return json_write(mem, form_errors(f));
}

static void unknown_names(void *mem)
{
	static const char names[] =
	    "name:text! lists:[int] exclude_lists:[int]  subject:text html";
	static const char *const near[][2] = {
		{ "exclude", "exclude_lists" },
		{ "excludeLists", "exclude_lists" },
		{ "exclude-lists", "exclude_lists" },
		{ "excluded_list", "exclude_lists" },
		{ "list", "lists" },
		{ "list_ids", "lists" },
		{ "NAME", "name" },
		{ "subjet", "subject" },
		{ "htm", "html" },
	};

	is_text(told(mem, names, "name"), "", "form_only knows the first");
	is_text(told(mem, names, "html"), "", "form_only knows the last");
	is_text(told(mem, names, "csrf"), "", "form_only knows a silent one");
	is_text(told(mem, names, "lists[]"), "", "form_only knows a list");
	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
		ok(strstr(told(mem, names, near[i][0]),
		       mem_printf(mem, "Did you mean “%s”?", near[i][1])) != NULL,
		    "form_only asks whether %s is %s", near[i][0], near[i][1]);
	is_text(told(mem, names, "colour"),
	    "{\"colour\":\"“colour” is not known here. Known are: name, lists, "
	    "exclude_lists, subject, html.\"}",
	    "form_only names what is known where nothing is near");
	is_text(told(mem, "", "x"),
	    "{\"x\":\"“x” is not known here: nothing is taken.\"}",
	    "form_only says that nothing is taken");
	ok(*told(mem, names, "nam[e]") != '\0' && *told(mem, names, "") != '\0' &&
		*told(mem, names, "int") != '\0' && *told(mem, names, ":text!") != '\0',
	    "form_only takes no part of a name, and no type, for a name");
}

static void unknown_sizes(void *mem)
{
	struct form *f = form_new(mem);
	struct form_file file = { .field = "fil", .name = "a", .type = "", .data = "" };
	char *name = mem_strn(mem, "", 0);

	for (int i = 0; i < 200; i++)
		name = mem_printf(mem, "%s\xc3\xa9", name);
	form_add(f, name, "1");
	ok(!form_only(f, "file name", ""), "form_only refuses a long name");
	json_object_object_foreach (form_errors(f), at, sentence) {
		(void)sentence;
		ok(text_is_utf8(at, strlen(at)) && strlen(at) < 70,
		    "... and tells it short, no character cut");
	}
	f = form_new(mem);
	for (int i = 0; i < 200; i++)
		form_add(f, mem_printf(mem, "x%d", i), "1");
	ok(!form_only(f, "file", ""), "form_only refuses many");
	is_int(json_object_object_length(form_errors(f)), 16, "... and tells some");
	f = form_new(mem);
	form_add_file(f, &file);
	ok(!form_only(f, "file", ""), "form_only refuses a file");
	ok(form_error(f, "fil") != NULL, "... at its name");
	ok(form_only(f, "fil:file", ""), "... unless it is known");
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");

	shapes(mem);
	text(mem);
	json_values(mem);
	numbers(mem);
	flags(mem);
	times(mem);
	choices(mem);
	ids(mem);
	files_and_errors(mem);
	unknown_names(mem);
	unknown_sizes(mem);
	mem_free(mem);
	return done_testing();
}
