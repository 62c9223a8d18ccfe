#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "dbtest.h"
#include "tap.h"
#include "view/liquid.h"

/*
 * Every case of the public conformance suite against the engine; under 95 % is a
 * failure.
 */

static const char *load(void *ctx, void *mem, const char *name)
{
	return mem_str(mem, json_text(ctx, name, NULL));
}

static bool strict(struct json_object *test)
{
	struct json_object *tags = json_get(test, "tags");
	size_t i;

	for (i = 0; tags && i < json_object_array_length(tags); i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(tags, i)),
			"strict") == 0)
			return true;
	return false;
}

/* Is `text` the result, or one of the results, that the case allows? */
static bool allowed(struct json_object *test, const char *text)
{
	struct json_object *many = json_get(test, "results");
	size_t i;

	if (!many)
		return strcmp(text, json_text(test, "result", "")) == 0;
	for (i = 0; i < json_object_array_length(many); i++)
		if (strcmp(text,
			json_object_get_string(json_object_array_get_idx(many, i))) ==
		    0)
			return true;
	return false;
}

static bool passes(void *mem, struct json_object *test)
{
	struct liquid_options o = { .pages = true, .load = load, .now_ms = 1000 };
	struct liquid_error error = { 0 };
	const char *source = json_text(test, "template", "");
	struct json_object *data = json_get(test, "data"),
			   *templates = json_get(test, "templates");
	struct buf *out = buf_new(mem);
	struct liquid *l;
	bool bad, good;

	o.strict = strict(test);
	o.load_ctx = templates ? templates : json_obj(mem);
	bad = liquid_compile(mem, source, strlen(source), &o, &l, &error) != OK ||
	    liquid_render(l, mem, data ? data : json_obj(mem), out, &error) != OK;
	good = bad == json_flag(test, "invalid", false) &&
	    (bad || allowed(test, out->data));
	if (!good)
		diag("%s\n#   template %s\n#   got %s, expected %s",
		    json_text(test, "name", "?"), source, bad ? error.text : out->data,
		    json_flag(test, "invalid", false) ? "an error"
						      : json_text(test, "result", "?"));
	return good;
}

static struct json_object *read_cases(void)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/../shared/data/liquid-conformance.json",
	    dbtest_share());
	return json_object_from_file(path);
}

int main(void)
{
	struct json_object *doc = read_cases(), *tests;
	MEM_SCOPE void *mem = NULL;
	size_t i, n, good = 0;

	if (!doc)
		skip_all("../shared/data/liquid-conformance.json is not there");
	mem = mem_scope(NULL, "test");
	json_own(mem, doc);
	tests = json_get(doc, "tests");
	n = json_object_array_length(tests);
	for (i = 0; i < n; i++) {
		MEM_SCOPE void *one = mem_scope(mem, "case");

		good += passes(one, json_object_array_get_idx(tests, i));
	}
	diag("%zu of %zu cases pass (%.1f %%)", good, n,
	    100.0 * (double)good / (double)n);
	ok(n > 600, "the suite has its cases");
	ok(good * 100 >= n * 95, "passes at least 95 %% of the suite");
	return done_testing();
}
