#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "tap.h"
#include "view/liquid.h"

/*
 * Hundreds of templates that mean harm or were broken by accident, made by rule: each
 * is compiled and rendered as a mail and as a page. It must end soon, within its
 * limits, with an output or a sentence; the sanitizers watch the rest.
 */

#define MOST_MS 4000 /* CPU time of one template, under sanitizers */

struct tally {
	struct json_object *data;
	int count, slow, large, silent;
};

static const char *load(void *ctx, void *mem, const char *name)
{
	(void)ctx;
	if (strcmp(name, "self") == 0)
		return mem_str(mem,
		    "{% include 'self' %}{% include 'self' %}{% render 'self' %}");
	if (strcmp(name, "loop") == 0)
		return mem_str(mem, "{% layout 'loop' %}{% block a %}{% endblock %}");
	if (strcmp(name, "block") == 0)
		return mem_str(mem,
		    "{% block a %}{% block a %}{% endblock %}{% endblock %}");
	return NULL;
}

static int64_t cpu_ms(void)
{
	return (int64_t)clock() / (CLOCKS_PER_SEC / 1000);
}

static void try_with(struct tally *t, const char *s, size_t n,
    const struct liquid_options *o)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "hostile");
	struct liquid_error error = { 0 };
	struct buf *out = buf_new(mem);
	int64_t start = cpu_ms();
	struct liquid *l;
	enum err e = liquid_compile(mem, s, n, o, &l, &error);

	if (e == OK)
		e = liquid_render(l, mem, t->data, out, &error);
	if (e != OK && (error.line < 1 || !error.text[0])) {
		t->silent++;
		diag("no sentence: %.100s", s);
	}
	if (out->len > 2 << 20) {
		t->large++;
		diag("%zu bytes: %.100s", out->len, s);
	}
	if (cpu_ms() - start > MOST_MS) {
		t->slow++;
		diag("%d ms: %.100s", (int)(cpu_ms() - start), s);
	}
}

static void try(struct tally *t, const char *s, size_t n)
{
	const struct liquid_options mail = { .escape = LIQUID_HTML }, plain = { 0 },
				    page = { .escape = LIQUID_HTML,
					    .pages = true,
					    .load = load };

	t->count++;
	try_with(t, s, n, &mail);
	try_with(t, s, n, &plain);
	try_with(t, s, n, &page);
}

static void repeated(struct tally *t, const char *part, int times)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "repeated");
	struct buf *b = buf_new(mem);
	int i;

	for (i = 0; i < times; i++)
		buf_str(b, part);
	try(t, b->data, b->len);
}

/* Every tag and filter opened, nested, and never closed. */
/* clang-format off */
static void unclosed(struct tally *t)
{
	static const char *const parts[] = {
		"{{", "{%", "{{ x", "{% if", "{% if x %}", "{% unless x %}",
		"{% for a in x %}", "{% for a in (1..9) %}", "{% case x %}",
		"{% case x %}{% when 1 %}", "{% capture y %}", "{% tablerow a in x %}",
		"{% raw %}", "{% comment %}", "{% doc %}", "{% ifchanged %}",
		"{% block a %}", "{% layout 'loop' %}", "{% include 'self' %}",
		"{% include 'block' %}", "{% render 'self' %}", "{% liquid if x",
		"{{ '", "{{ \"", "{{ (", "{{ [", "{{ x[", "{{ x[x[", "{{ (1..",
		"{{ x |", "{{ x | f:", "{{ x | append: 'a',", "{% assign",
		"{% assign x", "{% assign x =", "{% cycle", "{% cycle 'a':",
		"{% else %}", "{% endif %}", "{% when 1 %}", "{% break %}",
		"{% continue %}", "<a href=\"{{ x }}", "<a {{", "<!--{{ x }}",
		"<script>{{ x | json }}", "<style>{{ x }}", "</{{ x }}", "<{{ x }}",
		"{{ x }}<", "\xff{{ x }}", "{{ \xff }}", "{{ x\xc3 }}", "{%-", "{{-",
		"-}}", "%}", "{% # \n x %}", "{% increment x %}",
	};
	size_t i;

	for (i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		repeated(t, parts[i], 1);
		repeated(t, parts[i], 15);
		repeated(t, parts[i], 99);
		repeated(t, parts[i], 10000);
	}
}
/* clang-format on */

/* Opened and closed so many times inside each other. */
static void nested(struct tally *t)
{
	static const char *const pairs[][2] = {
		{ "{% if x %}", "{% endif %}" },
		{ "{% unless y %}", "{% endunless %}" },
		{ "{% for a in (1..9) %}", "{% endfor %}" },
		{ "{% tablerow a in (1..3) %}", "{% endtablerow %}" },
		{ "{% capture a %}", "x{% endcapture %}" },
		{ "{% comment %}", "{% endcomment %}" },
		{ "{% case 1 %}{% when 1 %}", "{% endcase %}" },
		{ "{% ifchanged %}", "a{% endifchanged %}" },
		{ "{{ x[", "] }}" },
		{ "{{ (1..", "3) }}" },
	};
	static const int depths[] = { 2, 15, 17, 99, 101, 5000 };
	MEM_SCOPE void *mem = mem_scope(NULL, "nested");
	struct buf *b = buf_new(mem);
	size_t i, d;
	int k;

	for (i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		for (d = 0; d < sizeof depths / sizeof depths[0]; d++) {
			buf_reset(b);
			for (k = 0; k < depths[d]; k++)
				buf_str(b, pairs[i][0]);
			for (k = 0; k < depths[d]; k++)
				buf_str(b, pairs[i][1]);
			try(t, b->data, b->len);
		}
	}
}

/*
 * Each filter on each kind of value, with arguments that are too large, absent or
 * wrong.
 */
/* clang-format off */
static void filters(struct tally *t)
{
	static const char *const names[] = {
		"abs", "append", "at_least", "at_most", "base64_decode",
		"base64_encode", "bytes", "capitalize", "ceil", "compact", "concat",
		"count", "date", "default", "divided_by", "downcase", "escape",
		"escape_once", "find", "find_index", "first", "floor", "has", "join",
		"json", "last", "lstrip", "map", "minus", "modulo", "newline_to_br",
		"percent", "plus", "prepend", "raw_html", "reject", "remove",
		"remove_first", "remove_last", "replace", "replace_first",
		"replace_last", "reverse", "round", "rstrip", "share", "size", "slice",
		"sort", "sort_natural", "split", "strip", "strip_html",
		"strip_newlines", "sum", "times", "truncate", "truncatewords", "uniq",
		"upcase", "url_decode", "url_encode", "where",
	};
	static const char *const in[] = {
		"nil", "(1..99999999)", "l", "o", "big", "-9223372036854775807", "1.5",
		"bad",
	};
	static const char *const args[] = {
		"", ": -9223372036854775807", ": big, big", ": l", ": ''",
		": 'x', 9223372036854775807",
	};
	MEM_SCOPE void *mem = mem_scope(NULL, "filters");
	struct buf *b = buf_new(mem);
	size_t f, i, a;

	for (f = 0; f < sizeof names / sizeof names[0]; f++) {
		for (i = 0; i < sizeof in / sizeof in[0]; i++) {
			for (a = 0; a < sizeof args / sizeof args[0]; a++) {
				buf_reset(b);
				buf_printf(b, "{{ %s | %s%s }}", in[i], names[f],
				    args[a]);
				try(t, b->data, b->len);
			}
		}
	}
}
/* clang-format on */

/* Much work asked for in few words. */
static const char *const much[] = {
	"{% for i in (1..99999999999999999999) %}{% endfor %}",
	"{% for i in (-9223372036854775807..9223372036854775807) %}x{% endfor "
	"%}",
	"{% for a in (1..99999) %}{% for b in (1..99999) %}{% for c in "
	"(1..99999) %}x{% endfor %}"
	"{% endfor %}{% endfor %}",
	"{% for i in (1..99999999) %}{% assign s = s | append: "
	"'xxxxxxxxxxxxxxxx' %}{% endfor %}",
	"{% assign s = 'x' %}{% for i in (1..64) %}{% assign s = s | append: "
	"s %}{% endfor %}{{ s }}",
	"{% assign s = 'x' %}{% for i in (1..64) %}{% assign s = s | replace: "
	"'x', 'xx' %}{% endfor %}",
	"{% assign s = 'x' | split: '' %}{% for i in (1..64) %}{% assign s = "
	"s | concat: s %}{% endfor %}",
	"{% for i in (1..9999) %}{% assign x = big | upcase %}{% endfor %}",
	"{% for i in (1..9999) %}{% assign x = big | replace: 'a', 'b' %}{% "
	"endfor %}",
	"{% for i in (1..9999) %}{% assign x = big | strip_html %}{% endfor %}",
	"{% for i in (1..9999) %}{% assign x = lt | strip_html %}{% endfor %}",
	"{% for i in (1..9999) %}{% assign x = big | replace_last: half, 'b' "
	"%}{% endfor %}",
	"{% for i in (1..9999) %}{% assign x = big | split: '' | sort | uniq "
	"| join %}{% endfor %}",
	"{% for i in (1..9999) %}{{ big }}{% endfor %}",
	"{% for i in (1..9999) %}{% capture x %}{{ x }}{{ big }}{% endcapture "
	"%}{% endfor %}",
	"{% for i in (1..9999) %}{% if big contains half %}{% endif %}{% "
	"endfor %}",
	"{% for i in (1..9999) %}{% case big %}{% when big2, big2, big2, big2 "
	"%}{% endcase %}{% endfor %}",
	"{% for i in (1..9999) %}{% assign x = i | date: '%c', "
	"'Europe/Berlin' %}{% endfor %}",
	"{{ big | split: 'a' | join: big }}",
	"{{ big | replace: '', big }}",
	"{{ big | url_encode | url_encode | url_encode | url_encode }}",
	"{{ big | escape | escape | json | json | json | json | json }}",
	"{{ 1 | date: big }}",
	"{{ now | date: '%9999999999d' }}",
	"{{ 'now' | date: '%' }}",
	"{{ 9223372036854775807 | date: '%Y' }}",
	"{{ -9223372036854775807 | date: '%Y' }}",
	"{% assign f = forloop %}{% for a in l %}{% assign f = forloop %}{% "
	"endfor %}{{ f.index }}"
	"{{ f.parentloop.index }}",
	"{% for a in l %}{% for b in l %}{% assign f = forloop.parentloop "
	"%}{% endfor %}{% endfor %}"
	"{{ f.length }}",
	"{{ o.o.o.o.o.o }}{{ o[o][l] }}{{ l[99999999999] }}{{ l[-99999999999] "
	"}}",
	"{% tablerow i in (1..99999999) cols: 99999999999 %}{% endtablerow %}",
	"{% tablerow i in l cols: -1 limit: -1 offset: -5 %}{{ i }}{% "
	"endtablerow %}",
	"{% for i in l limit: -9223372036854775807 offset: "
	"9223372036854775807 %}{% endfor %}",
	"{% include 'self' %}",
	"{% layout 'loop' %}",
	"{% include 'block' %}",
	"{% render 'self' for (1..9999999) %}",
	"{% cycle big: 1, 2 %}{% increment x %}{{ x }}",
	"{{ 9223372036854775807 | plus: 9223372036854775807 | times: 1e }}",
	"{{ -9223372036854775807 | minus: 2 | abs | divided_by: -1 | modulo: "
	"-1 }}",
	"{{ 0.0 | divided_by: 0.0 }}{{ 1.0 | modulo: 0.0 }}{{ 1.0 | "
	"divided_by: 0.0 | ceil }}",
};

static void work(struct tally *t)
{
	size_t i;

	for (i = 0; i < sizeof much / sizeof much[0]; i++)
		try(t, much[i], strlen(much[i]));
}

/* A good template with each byte in turn cut off, dropped or changed. */
static void broken(struct tally *t)
{
	static const char good[] =
	    "<a href=\"{{ o.u | default: 'x' }}\" {% if l[0] == 1 and x %}b"
	    "{% endif %}>{% for i in l limit: 2 -%} {{ forloop.index }}{% else %}{% "
	    "endfor %}</a>"
	    "{%- liquid\n assign y = 'a,b' | split: ','\n echo y | join: '-' %}"
	    "{% case o.k %}{% when 1, 'a' %}{% cycle 'x', 'y' %}{% endcase %}";
	static const char bytes[] = "{}%'\"|:<\xff";
	char s[sizeof good];
	size_t i, k;

	for (i = 0; i < sizeof good - 1; i++) {
		try(t, good, i);
		memcpy(s, good, sizeof good);
		memmove(s + i, s + i + 1, sizeof good - i - 1);
		try(t, s, sizeof good - 2);
		/* the last one is NUL */
		for (k = 0; k <= sizeof bytes - 1; k++) {
			memcpy(s, good, sizeof good);
			s[i] = bytes[k];
			try(t, s, sizeof good - 1);
		}
	}
}

static struct json_object *hostile_data(void *mem)
{
	struct json_object *d = json_obj(mem), *l = json_arr(mem), *o = json_obj(mem);
	char *big = mem_resize(mem, NULL, 60001);

	memset(big, 'a', 60000);
	big[60000] = '\0';
	json_push_int(l, 1);
	json_push_text(l, "<b>");
	json_push(l, json_set_text(json_obj(mem), "x", "y"));
	json_set_text(o, "u", "javascript:alert(1)");
	json_set(o, "l", l);
	json_set(json_set(d, "l", l), "o", o);
	json_set_text(d, "big", big);
	big[59999] = 'b';
	json_set_text(d, "big2", big);
	big[30000] = '\0';
	json_set_text(d, "half", big);
	memset(big, '<', 60000);
	big[30000] = '<';
	json_set_text(d, "lt", big);
	json_set_text(d, "bad", "\xff\xfe\xc3");
	return json_set_text(d, "x", "\"><script>");
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");
	struct tally t = { .data = hostile_data(mem) };

	unclosed(&t);
	nested(&t);
	filters(&t);
	work(&t);
	broken(&t);
	diag("%d templates, each as a mail, a text and a page", t.count);
	ok(t.count >= 500, "there are 500 hostile templates and more");
	is_int(t.silent, 0, "each error has a place and a sentence");
	is_int(t.large, 0, "no output is over its limit");
	is_int(t.slow, 0, "none takes long");
	return done_testing();
}
