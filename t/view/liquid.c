#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tap.h"
#include "view/liquid.h"

/* What the engine adds to Liquid: escaping by place, errors, limits, pieces, names. */

static const char *load(void *ctx, void *mem, const char *name)
{
	return mem_str(mem, json_text(ctx, name, NULL));
}

static struct json_object *data(void *mem, const char *json)
{
	struct json_object *o = NULL;

	if (json_read(mem, json, strlen(json), &o, NULL) != OK)
		diag("the test's JSON is bad: %s", json);
	return o;
}

/* The output, or "line:column sentence". */
static const char *with(void *mem, const struct liquid_options *o, const char *source,
    const char *json)
{
	struct buf *b = buf_new(mem);
	struct liquid_error error;
	struct liquid *l;

	if (liquid_compile(mem, source, strlen(source), o, &l, &error) != OK ||
	    liquid_render(l, mem, data(mem, json), b, &error) != OK)
		return mem_printf(mem, "%d:%d %s", error.line, error.column,
		    error.text);
	return b->data;
}

static const char *plain(void *mem, const char *source, const char *json)
{
	return with(mem, &(struct liquid_options){ .strict = true }, source, json);
}

static const char *html(void *mem, const char *source, const char *json)
{
	return with(mem, &(struct liquid_options){ .escape = LIQUID_HTML }, source,
	    json);
}

static const char *page(void *mem, const char *source, const char *json,
    const char *files)
{
	struct liquid_options o = { .escape = LIQUID_HTML,
		.pages = true,
		.load = load };

	o.load_ctx = data(mem, files);
	return with(mem, &o, source, json);
}

static void places(void *mem)
{
	const char *x = "{\"x\": \"<b> & \\\"q\\\" 'p'\", \"c\": \"red;x:url(1)\"}";

	is_text(html(mem, "<p>{{ x }}</p>", x),
	    "<p>&lt;b&gt; &amp; &quot;q&quot; &#39;p&#39;</p>", "escapes between tags");
	is_text(html(mem, "<p title=\"{{ x }}\">", x),
	    "<p title=\"&lt;b&gt; &amp; &quot;q&quot; "
	    "&#39;p&#39;\">",
	    "escapes in an attribute");
	is_text(html(mem, "<p style='color: {{ c }}'>", x),
	    "<p style='color: redx:url1'>",
	    "lets only words, colours, sizes and addresses into a style attribute");
	is_text(html(mem, "<style>a { color: {{ c }} }</style>", x),
	    "<style>a { color: redx:url1 }</style>", "and into a style element");
	is_text(html(mem, "<script>let x = {{ x | json }};</script>",
		    "{\"x\": \"</script><!--&\"}"),
	    "<script>let x = \"\\u003c/script\\u003e\\u003c!--\\u0026\";</script>",
	    "lets only JSON into a script, which cannot end it");
	is_text(html(mem, "{{ x \xe2\x82\xac }}", x),
	    "1:6 \"\xe2\x82\xac\" cannot stand here.",
	    "names a character that cannot stand somewhere as a whole");
	is_text(html(mem, "<script>let x = '{{ x }}';</script>", x),
	    "1:21 A value can stand in a script only through the filter json.",
	    "refuses other values in a script");
	is_text(html(mem, "<a onclick=\"f({{ x }})\">", x),
	    "1:18 A value cannot stand in this attribute, which is "
	    "code.",
	    "refuses event handlers");
	is_text(html(mem, "<a title={{ x }}>", x),
	    "1:13 Put quotes around the value of this attribute.", "wants quotes");
	is_text(html(mem, "<a {{ x }}>", x),
	    "1:7 A value cannot stand inside a tag, except in the quotes of an "
	    "attribute.",
	    "refuses attribute names");
	is_text(html(mem,
		    "<textarea>{{ x | newline_to_br }}</textarea><!-- {{ x }} -->",
		    "{\"x\": \"</textarea>-->\"}"),
	    "<textarea>&lt;/textarea&gt;--&gt;</textarea><!-- &lt;/textarea&gt;--&gt; "
	    "-->",
	    "nothing ends a textarea or comment");
	is_text(html(mem, "<input {% if x %}checked{% endif %} value=\"{{ c }}\">", x),
	    "<input checked value=\"red;x:url(1)\">", "takes a conditional attribute");
	is_text(html(mem, "<option{% if x %} selected{% endif %}>{{ c }}", x),
	    "<option selected>red;x:url(1)", "also right after the tag's name");
	is_text(html(mem, "<script{% if x %} defer{% endif %}>{{ c }}", x),
	    "1:39 A value can stand in a script only through the filter json.",
	    "and knows the element still");
	is_text(html(mem, "<a {% if x %}on{% endif %}click=\"{{ c }}\">", x),
	    "1:37 A value cannot stand in this attribute, which is code.",
	    "is not tricked by a name put together");
	is_text(html(mem, "{% if x %}<a title=\"{% endif %}{{ c }}\">", x),
	    "1:1 The ways through "
	    "this {% if %} end in different places of the HTML: close each tag and "
	    "quote where it "
	    "was opened.",
	    "wants all branches to end in the same place");
}

/* clang-format off */
static void links(void *mem)
{
	static const char *const bad[] = {
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", " \\u0001javascript:x",
		"java\\nscript:x", "vbscript:x", "data:text/html,x",
		"data:image/svg+xml,x", "file:///etc/passwd", "blob:x", "view-source:x",
	};
	static const char *const good[] = {
		"https://a.b/c?d=e", "/x:y", "x", "", "mailto:a@b.c", "#top", "?a=b:c",
		"tel:+49", "data:image/png;base64,AAAA",
	};
	char *json;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		json = mem_printf(mem, "{\"u\": \"%s\"}", bad[i]);
		is_text(html(mem,
			    "{% capture v %}{{ u }}{% endcapture %}<a href=\"{{ v "
			    "}}\">",
			    json),
		    "<a href=\"#\">", "replaces %s, captured", bad[i]);
		is_text(html(mem, "<a href='{{ u }}'>", json), "<a href='#'>",
		    "replaces %s", bad[i]);
	}
	is_text(html(mem, "<a href='{{ u }}'>", "{\"u\": \"javascript&colon;x\"}"),
	    "<a href='javascript&amp;colon;x'>", "a reference in a value is no colon "
	        "any more");
	is_text(html(mem, "<a href=\"{{ a }}{{ b }}\">",
		    "{\"a\": \"java\", \"b\": \"script:x\"}"),
	    "<a href=\"#\">", "sees a scheme put together of two values");
	is_text(html(mem, "<a href=\"java{{ b }}\">", "{\"b\": \"script:x\"}"),
	    "<a href=\"#\">", "or of a text and a value");
	is_text(html(mem, "<a href=\"&#106;avascript{{ b }}\">", "{\"b\": \":x\"}"),
	    "<a href=\"#\">", "or of a reference and a value");
	is_text(html(mem, "<a href=\"{% if b %}{{ b }}{% else %}/x{% endif %}\">",
	    "{\"b\": \"javascript:x\"}"), "<a href=\"#\">", "or in a branch");
	is_text(html(mem, "<a href=\"javascript:f({{ b }})\">", "{}"),
	    "1:26 A value cannot stand in a link of this "
	    "kind.", "refuses values in javascript:");
	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		json = mem_printf(mem, "{\"u\": \"%s\"}", good[i]);
		is_text(html(mem, "<a href=\"{{ u }}\">", json),
		    mem_printf(mem, "<a href=\"%s\">", good[i]), "keeps %s", good[i]);
	}
	is_text(html(mem, "<a href=\"/x?q={{ u }}\">", "{\"u\": \"javascript:1&\"}"),
	    "<a href=\"/x?q=javascript:1&amp;\">", "looks no further once the path "
	        "has begun");
}
/* clang-format on */

static void joined(void *mem)
{
	const char *x = "{\"x\": \"a<b\\n&c\"}";

	is_text(html(mem, "{{ x | escape }}", x), "a&lt;b\n&amp;c",
	    "escape escapes once");
	is_text(html(mem, "{{ x | newline_to_br }}", x), "a&lt;b<br />\n&amp;c",
	    "newline_to_br escapes its input and keeps its tags");
	is_text(html(mem, "{{ x | newline_to_br | upcase }}", x),
	    "A&amp;LT;B&lt;BR /&gt;\n&amp;AMP;C",
	    "what other filters make of it is a text again");
	is_text(html(mem, "{% capture y %}<i>{{ x }}</i>{% endcapture %}{{ y }}", x),
	    "<i>a&lt;b\n&amp;c</i>", "a capture is HTML already");
	is_text(html(mem,
		    "{% capture y %}<i>{{ x }}{% endcapture %}<p title='{{ y }}'>", x),
	    "<p title='&lt;i&gt;a&lt;b\n&amp;c'>", "and cannot leave an attribute");
	is_text(html(mem, "{{ '<i>' | append: x }}", x), "&lt;i&gt;a&lt;b\n&amp;c",
	    "texts joined stay texts");
	is_text(html(mem, "{{ x | raw_html }}", x),
	    "1:8 The filter \"raw_html\" is not for mails.", "a mail has no raw_html");
	is_text(page(mem, "{{ x | raw_html }}", x, "{}"), "a<b\n&c", "a page has");
}

static void pages(void *mem)
{
	const char *files =
	    "{\"base\": \"<title>{% block title %}B{% endblock %}</title>"
	    "{% block main %}none{% endblock %}{% block end %}.{% endblock %}\", "
	    "\"mid\": \"{% layout 'base' %}{% block main %}<main>{% block inner %}{% "
	    "endblock %}"
	    "</main>{% endblock %}\", "
	    "\"partials/field\": \"<input name=\\\"{{ name }}\\\" value=\\\"{{ value "
	    "}}\\\">\", "
	    "\"self\": \"{% include 'self' %}\", \"bad\": \"x\\n{{ a | }}\"}";

	is_text(page(mem,
		    "{% layout \"base\" %}{% assign t = \"A&B\" %}\n{% block title "
		    "%}{{ t }}"
		    "{% endblock %} ignored {% block main %}<p>{{ x }}{% endblock %}",
		    "{\"x\": \"<\"}", files),
	    "<title>A&amp;B</title><p>&lt;.", "fills the blocks of its layout");
	is_text(page(mem, "{% layout \"mid\" %}{% block inner %}in{% endblock %}", "{}",
		    files),
	    "<title>B</title><main>in</main>.", "through a layout of a layout");
	is_text(page(mem,
		    "{% include \"partials/field\", name: \"a\", value: x %}{{ name }}",
		    "{\"x\": \"\\\"\"}", files),
	    "<input name=\"a\" value=\"&quot;\">",
	    "an include sees its named values, and they end with it");
	is_text(page(mem, "{% include \"none\" %}", "{}", files),
	    "1:1 There is no template \"none\".", "names a missing template");
	is_text(page(mem, "{% include \"bad\" %}", "{}", files),
	    "2:8 In bad: Something is missing here, at the end: a name, a number or a "
	    "text in quotes.",
	    "names the included template in an error");
	is_text(page(mem, "{% include \"self\" %}", "{}", files),
	    "1:1 In self: This is nested too "
	    "deeply.",
	    "stops a template that includes itself");
	is_text(html(mem, "{% include \"x\" %}", "{}"),
	    "1:1 A mail cannot take in other templates: remove this {% include %}.",
	    "mails include nothing");
}

static void errors(void *mem)
{
	is_text(plain(mem, "a\n  {% if x %}", "{}"),
	    "2:3 This {% if %} is never closed; add {% endif %}.", "an unclosed if");
	is_text(plain(mem, "{% for x in y %}", "{}"),
	    "1:1 This {% for %} is never closed; add {% endfor %}.", "an unclosed for");
	is_text(plain(mem, "\xc3\xa4\xc3\xb6 {{ a", "{}"),
	    "1:4 This {{ is never closed; add }}.", "columns count characters");
	is_text(plain(mem, "{% endif %}", "{}"),
	    "1:1 There is no open {% if %} that this {% endif %} could "
	    "close.",
	    "a stray end");
	is_text(plain(mem, "{% frob %}", "{}"), "1:1 There is no tag named \"frob\".",
	    "an unknown tag");
	is_text(plain(mem, "{{ a | frob }}", "{}"),
	    "1:8 There is no filter named \"frob\".", "an unknown filter, when strict");
	is_text(plain(mem, "{{ name }}", "{}"), "1:4 There is no value named \"name\".",
	    "an undefined name, when strict");
	is_text(plain(mem, "{% if name %}x{% endif %}{{ name | default: 'you' }}",
		    "{}"),
	    "you", "but a condition may ask for it and default may stand in");
	is_text(plain(mem, "{{ 'abc }}", "{}"), "1:4 This quote is never closed.",
	    "an unclosed quote");
	is_text(plain(mem, "{{ 1 | divided_by: 0 }}", "{}"),
	    "1:8 This divides by zero.", "division by zero");
	is_text(plain(mem, "{% raw %}{{ x", "{}"),
	    "1:1 This {% raw %} is never closed; add {% endraw %}.", "an unclosed raw");
	is_text(plain(mem, "{% layout 'x' %}", "{}"),
	    "1:1 A mail cannot take in other templates: remove this {% layout "
	    "%}.",
	    "a layout");
}

static void limits(void *mem)
{
	struct liquid_options o = { .max_output = 100 };

	is_text(with(mem, &o, "{% for i in (1..60) %}xx{% endfor %}", "{}"),
	    "1:23 The output is longer than 100 bytes.", "output");
	is_text(plain(mem, "{% for i in (1..6000) %}{% assign x = i %}{% endfor %}",
		    "{}"),
	    "1:25 This template does too much: more than 10000 steps.", "steps");
	is_text(plain(mem, "{{ (1..1000000000) | join }}", "{}"),
	    "1:22 This template does too much: more than 10000 "
	    "steps.",
	    "steps of a filter");
	is_text(plain(mem,
		    "{% assign x = 'aaaaaaaaaaaaaaaa' %}{% for i in (1..20) %}"
		    "{% assign x = x | append: x %}{% endfor %}",
		    "{}"),
	    "1:76 A value is longer than 65536 bytes here.", "bytes of a value");
	is_text(plain(mem,
		    "{% if a %}{% if a %}{% if a %}{% if a %}{% if a %}{% if a %}{% if "
		    "a %}"
		    "{% if a %}{% if a %}{% if a %}{% if a %}{% if a %}{% if a %}{% if "
		    "a %}{% if a %}"
		    "{% if a %}{% if a %}",
		    "{}"),
	    "1:157 This is nested too deeply.", "depth");
	is_text(plain(mem,
		    "{% assign s = 'x' | split: '' %}{% for i in (1..30) %}"
		    "{% assign s = s | concat: s %}{% endfor %}",
		    "{}"),
	    "1:73 This template does too much: more than 10000 "
	    "steps.",
	    "a list that doubles");
}

/* Static bytes as they are, values as <slot>. */
static const char *pieces(void *mem, const char *source)
{
	struct liquid_options o = { .escape = LIQUID_HTML };
	struct buf *b = buf_new(mem);
	struct liquid_piece *p;
	struct liquid *l;
	size_t i, n;

	if (liquid_compile(mem, source, strlen(source), &o, &l, NULL) != OK)
		return "does not compile";
	if (!liquid_pieces(l, mem, &p, &n))
		return "has tags";
	for (i = 0; i < n; i++)
		if (p[i].text)
			buf_printf(b, "[%.*s]", (int)p[i].len, p[i].text);
		else
			buf_printf(b, "%d", p[i].slot);
	return b->data;
}

static const char *slot(void *mem, const char *source, const char *json)
{
	struct liquid_options o = { .escape = LIQUID_HTML, .strict = true };
	struct buf *b = buf_new(mem);
	struct liquid_error error;
	struct liquid *l;

	if (liquid_compile(mem, source, strlen(source), &o, &l, &error) != OK)
		return "does not compile";
	if (liquid_slot(l, mem, 0, data(mem, json), b, &error) != OK)
		return mem_printf(mem, "%d:%d %s", error.line, error.column,
		    error.text);
	return b->data;
}

static void slots(void *mem)
{
	is_text(pieces(mem, "Hi {{ a }}, {{ b | upcase }}!"), "[Hi ]0[, ]1[!]",
	    "cuts at values");
	is_text(pieces(mem, ""), "", "of nothing, nothing");
	is_text(pieces(mem, "<a href=\"{{ u }}\"><img src='{{ v }}/x.png?{{ w }}'>"),
	    "[<a href=\"]0[\"><img src=']1[/x.png?]2['>]", "cuts URLs, too");
	is_text(pieces(mem, "<a href=\"{{ u }}{{ v }}\">"), "has tags",
	    "but not where a scheme may be put together");
	is_text(pieces(mem, "{% if a %}b{% endif %}"), "has tags", "nor with tags");
	is_text(slot(mem, "<b>{{ a | default: 'you' }}", "{\"a\": \"<\"}"), "&lt;",
	    "fills a slot");
	is_text(slot(mem, "<a href='{{ a }}'>", "{\"a\": \"javascript:x\"}"), "#",
	    "checks its URL");
	is_text(slot(mem, "<p>\n{{ a }}", "{}"), "2:4 There is no value named \"a\".",
	    "says where a name is missing");
	is_text(slot(mem, "{{ a.b[1] }}", "{\"a\": {\"b\": [1, 2.50]}}"), "2.5",
	    "follows a path");
}

static void names(void *mem)
{
	struct liquid_options o = { 0 };
	struct buf *b = buf_new(mem);
	const char *source =
	    "{{ first_name }}{% for t in tags limit: n %}{{ t.x }}{{ forloop.index }}"
	    "{% endfor %}{% assign y = company | append: first_name %}{{ y }}{{ "
	    "z[key].w }}";
	const char **list;
	struct liquid *l;
	size_t i, n;

	if (liquid_compile(mem, source, strlen(source), &o, &l, NULL) != OK)
		return;
	n = liquid_names(l, mem, &list);
	for (i = 0; i < n; i++)
		buf_printf(b, "%s ", list[i]);
	is_text(b->data, "company first_name key n tags z ",
	    "lists the names of the data, sorted");
}

static void filters(void *mem)
{
	static const struct {
		const char *source, *want;
	} cases[] = {
		{ "{{ 1234567 | count }} {{ -1234 | count }} {{ '999' | count }}",
		    "1,234,567 -1,234 999" },
		{ "{{ 399 | percent: 1000 }} {{ 1 | percent: 0 }}", "39.9% 0.0%" },
		{ "{{ 1 | percent: 6000 }} {{ 0 | percent: 6000 }}", "<0.1% 0.0%" },
		{ "{{ 5999 | percent: 6000 }} {{ 2 | percent: 2 }}", "99.9% 100.0%" },
		{ "{{ 399 | share: 1000 }} {{ 5 | share: nil }}", "39.9 0.0" },
		{ "{{ 999 | bytes }} {{ 1500 | bytes }} {{ 999999 | bytes }}",
		    "999 bytes 1.5 KB 1.0 MB" },
		{ "{{ '2026-11-24T09:00:00Z' | date: '%e %b, %H:%M', 'Europe/Berlin' "
		  "}}",
		    "24 Nov, 10:00" },
		{ "{{ '2026-07-01' | date: '%A %-d %B' }}", "Wednesday 1 July" },
		{ "{{ 'x' | date: '%Y' }}|{{ '' | date: '%Y' }}", "x|" },
		{ "{{ 'Mar 3, 2026 2:30 PM' | date: '%F %T' }}",
		    "2026-03-03 14:30:00" },
		{ "{{ l | json }}", "[1,\"a\",null]" },
		{ "{{ '\xc3\xa4\xc3\xb6' | upcase }} {{ '\xc3\x84' | downcase }}",
		    "\xc3\x84\xc3\x96 \xc3\xa4" },
		{ "{{ '\xc3\xa4\xc3\xb6\xc3\xbc' | slice: 1, 2 }}{{ '\xc3\xa4' | size "
		  "}}",
		    "\xc3\xb6\xc3\xbc"
		    "1" },
		{ "{{ '\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4' | truncate: 4 }}",
		    "\xc3\xa4..." },
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		is_text(plain(mem, cases[i].source, "{\"l\": [1, \"a\", null]}"),
		    cases[i].want, "filter case %zu", i);
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");

	places(mem);
	links(mem);
	joined(mem);
	pages(mem);
	errors(mem);
	limits(mem);
	slots(mem);
	names(mem);
	filters(mem);
	return done_testing();
}
