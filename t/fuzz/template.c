#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "view/liquid.h"

/* Any bytes as a template, compiled and rendered as a mail and as a page. */
const size_t fuzz_max = 4000;

static const char *load(void *ctx, void *mem, const char *name)
{
	(void)ctx;
	return strlen(name) > 3 ? NULL
				: mem_printf(mem, "{{ x }}{%% include '%sx' %%}", name);
}

static struct json_object *names(void *mem)
{
	static const char text[] =
	    "{\"x\": \"<a&'\\\">\", \"l\": [1, 2.5, null, {\"k\": \"v\"}],"
	    " \"o\": {\"k\": {\"k\": [true, false]}}, \"n\": 12}";
	struct json_object *o = json_obj(mem);

	FUZZ_CHECK(json_read(mem, text, sizeof text - 1, &o, NULL) == OK);
	return o;
}

static void slots(void *mem, const struct liquid *l, struct json_object *data)
{
	struct buf *out = buf_new(mem);
	struct liquid_piece *p;
	const char **list;
	size_t i, n;

	liquid_names(l, mem, &list);
	if (!liquid_pieces(l, mem, &p, &n))
		return;
	for (i = 0; i < n; i++)
		if (!p[i].text && liquid_slot(l, mem, p[i].slot, data, out, NULL) != OK)
			return;
}

static void template(void *mem, const char *s, size_t n, const struct liquid_options *o)
{
	struct json_object *data = names(mem);
	struct buf *out = buf_new(mem);
	struct liquid_error error;
	struct liquid *l;
	enum err e = liquid_compile(mem, s, n, o, &l, &error);

	if (e == OK) {
		slots(mem, l, data);
		e = liquid_render(l, mem, data, out, &error);
	}
	FUZZ_CHECK(out->len <= 2 << 20);
	FUZZ_CHECK(e == OK || (error.line >= 1 && error.text[0]));
}

void fuzz_one(void *mem, const char *s, size_t n)
{
	const struct liquid_options mail = { .escape = LIQUID_HTML, .max_steps = 2000 },
				    page = { .escape = LIQUID_HTML,
					    .pages = true,
					    .load = load,
					    .max_steps = 2000 };

	template(mem, s, n, &mail);
	template(mem, s, n, &page);
}
