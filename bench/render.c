#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "view/liquid.h"

/*
 * Messages a second of a 30 KB mail with 10 tags: compiled pieces and whole renderings,
 * each beside a copy of the same bytes in the same run.
 *
 *	bench/render [seconds per way]
 */

static char *mail(void *mem)
{
	struct buf *b = buf_new(mem);
	int i;

	buf_str(b, "<html><body style=\"margin:0\">");
	for (i = 0; i < 10; i++) {
		while (b->len < (size_t)(i + 1) * 3000)
			buf_str(b,
			    "<p class=\"text\">From Monday we open at nine. The Advent "
			    "box is "
			    "here, with 24 coffees from six farms.</p>\n");
		buf_str(b,
		    i % 5 == 4  ? "<a href=\"{{ url }}\">Read on</a>"
			: i % 2 ? "<p>Hello {{ first_name }},</p>"
				: "<p>{{ company | default: \"you\" }}</p>");
	}
	buf_str(b, "</body></html>");
	return b->data;
}

struct bench {
	void *mem;
	struct liquid *l;
	struct json_object *data;
	struct liquid_piece *pieces;
	size_t count;
	struct buf *out, *copy;
};

static bool by_pieces(struct bench *x)
{
	size_t i;

	buf_reset(x->out);
	for (i = 0; i < x->count; i++) {
		const struct liquid_piece *p = &x->pieces[i];

		if (p->text)
			buf_add(x->out, p->text, p->len);
		else if (liquid_slot(x->l, x->mem, p->slot, x->data, x->out, NULL) !=
		    OK)
			return false;
	}
	return true;
}

static bool by_render(struct bench *x)
{
	buf_reset(x->out);
	return liquid_render(x->l, x->mem, x->data, x->out, NULL) == OK;
}

static bool by_copy(struct bench *x)
{
	buf_reset(x->copy);
	buf_add(x->copy, x->out->data, x->out->len);
	return true;
}

/* Microseconds a message. */
static double measure(struct bench *x, bool (*way)(struct bench *), int64_t ms)
{
	int64_t start = clock_mono_us(), now = start, n = 0;

	while (now - start < ms * 1000) {
		int i;

		for (i = 0; i < 100; i++, n++)
			if (!way(x))
				return 0;
		now = clock_mono_us();
	}
	return (double)(now - start) / (double)n;
}

static void report(const char *what, double us, double copy)
{
	printf("%-24s %8.2f us/message %10.0f messages/s  %6.2f x copy\n", what, us,
	    1e6 / us, us / copy);
}

int main(int argc, char **argv)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "bench");
	struct liquid_options o = { .escape = LIQUID_HTML };
	struct bench x = { .mem = mem, .out = buf_new(mem), .copy = buf_new(mem) };
	int64_t ms = argc > 1 && *argv[1] == '0' ? 100 : 1000;
	struct liquid_error error;
	double copy, us;
	char *s = mail(mem);

	x.data = json_obj(mem);
	json_set_text(x.data, "first_name",
	    "Ana Mar\xc3\xad"
	    "a");
	json_set_text(json_set_text(x.data, "company", "Nordlicht & Co"), "url",
	    "https://a.example/b");
	us = (double)clock_mono_us();
	if (liquid_compile(mem, s, strlen(s), &o, &x.l, &error) != OK ||
	    !liquid_pieces(x.l, mem, &x.pieces, &x.count) || !by_render(&x))
		return 1;
	us = (double)clock_mono_us() - us;
	printf("%zu bytes, %zu pieces, compiled in %.0f us\n", x.out->len, x.count, us);
	copy = measure(&x, by_copy, ms);
	report("copy", copy, copy);
	us = measure(&x, by_pieces, ms);
	report("compiled pieces", us, copy);
	printf("%-24s %8.3f us/value\n", "of that each value", (us - copy) / 10);
	report("liquid_render", measure(&x, by_render, ms), copy);
	return 0;
}
