#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "view/html.h"
#include "view/liquid.h"

/*
 * libFuzzer: any bytes as a template, compiled and rendered as a mail, with its pieces
 * and names, and as an author's HTML.  `make fuzz` builds t/fuzz/liquid with clang.
 */

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

	if (json_read(mem, text, sizeof text - 1, &o, NULL) != OK)
		__builtin_trap();
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
	if (out->len > 2 << 20 || (e != OK && (error.line < 1 || !error.text[0])))
		__builtin_trap();
}

static void document(void *mem, const char *s, size_t n)
{
	struct html_link *links;
	size_t i, count;

	if (html_links(mem, s, n, &links, &count) != OK)
		return;
	for (i = 0; i < count; i++)
		if (links[i].start > links[i].end || links[i].end > n)
			__builtin_trap();
	html_to_text(mem, s, n);
	html_images_without_alt(s, n);
	if (html_body_end(s, n) > n)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "fuzz");
	const struct liquid_options mail = { .escape = LIQUID_HTML, .max_steps = 2000 },
				    page = { .escape = LIQUID_HTML,
					    .pages = true,
					    .load = load,
					    .max_steps = 2000 };

	template(mem, (const char *)bytes, n, &mail);
	template(mem, (const char *)bytes, n, &page);
	document(mem, (const char *)bytes, n);
	return 0;
}
