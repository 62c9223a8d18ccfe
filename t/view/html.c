#include <string.h>

#include "base/mem.h"
#include "tap.h"
#include "view/html.h"
#include "view/html_mask.h"

static const char *escaped(void *mem, const char *s)
{
	struct buf *b = buf_new(mem);

	html_escape(b, s, strlen(s));
	return b->data;
}

/* Links of html as "source bytes|url|label;" */
static const char *links(void *mem, const char *html)
{
	struct buf *b = buf_new(mem);
	struct html_link *link;
	size_t i, n;

	if (html_links(mem, html, strlen(html), &link, &n) != OK)
		return "error";
	for (i = 0; i < n; i++)
		buf_printf(b, "%.*s|%s|%s;", (int)(link[i].end - link[i].start),
		    html + link[i].start, link[i].url, link[i].label);
	return b->data;
}

static void escape_tests(void *mem)
{
	is_text(escaped(mem, "a<b>&\"'\xc3\xa9"), "a&lt;b&gt;&amp;&quot;&#39;\xc3\xa9",
	    "escapes the five signs and keeps the rest");
	is_text(escaped(mem, ""), "", "escapes nothing to nothing");
}

static void link_tests(void *mem)
{
	is_text(links(mem,
		    "<p>x <a class=b href=\"https://a.b/?x=1&amp;y=2\">Read "
		    "<b>on</b></a>"),
	    "https://a.b/?x=1&amp;y=2|https://a.b/?x=1&y=2|Read on;",
	    "gives the source range, the decoded URL and the visible text");
	is_text(links(mem, "<a href='x'> a\n  b </a><a href=y>c</a><a name=z>d</a>"),
	    "x|x|a b;y|y|c;", "reads all kinds of quotes and passes over anchors");
	is_text(links(mem,
		    "<a href=\"{{ url | default: \"https://x\" }}\">{{ a < b }}</a>"),
	    "{{ url | default: \"https://x\" }}|{{ url | default: \"https://x\" }}|{{ "
	    "a < b }};",
	    "keeps {{ }} with quotes and angle brackets in it");
	is_text(links(mem,
		    "<a {% if x == \"1\" %}href=\"https://a\"{% endif %} "
		    "class=c>t</a>"),
	    "https://a|https://a|t;", "finds a link after a Liquid tag in its own");
	is_text(links(mem, "<a href=\"https://a/{% if b > 1 %}c{% endif %}\">t</a>"),
	    "https://a/{% if b > 1 %}c{% endif %}|https://a/{% if b > 1 %}c{% endif "
	    "%}|t;",
	    "keeps Liquid tags inside the value");
	is_text(links(mem,
		    "<a href=#top><img alt=\"A &amp; B\"></a><map><area "
		    "href='/m'></map>"),
	    "#top|#top|A & B;/m|/m|;", "takes an image's alt as label, and areas");
	is_text(links(mem,
		    "<table>{% for x in y %}<tr><td><a href='{{ x.url }}'>{{ x.t }}</a>"
		    "</td></tr>{% endfor %}</table>"),
	    "{{ x.url }}|{{ x.url }}|{{ x.t }};",
	    "finds a link in a loop over table rows");
	is_text(links(mem,
		    "<p><a href='/1'>x<p>yy</a><b><a href='/2'>z<a "
		    "href='/3'></b>w</a>"),
	    "/1|/1|yy;/2|/2|z;/3|/3|w;", "gives each link once, however it is nested");
	is_text(links(mem, "<table><a href=/1>a</a><tr><td><a href=/2>b</a></table>"),
	    "/1|/1|a;/2|/2|b;",
	    "in the order of the source, also where a table moves it");
	is_text(links(mem,
		    "<table><tr><td><a href=/1>b</a></td></tr><a "
		    "href=/2>a</a></table>"),
	    "/1|/1|b;/2|/2|a;", "or moves a later one up");
	is_text(links(mem, "<!-- <a href=x> --><script>'<a href=y>'</script>"), "",
	    "sees no links in comments and scripts");
}

static void other_tests(void)
{
	static const char page[] = "<html><body><p>x</p></BODY ></html>\n";
	static const char outlook[] = "<body><p>Hi</p> </body></html>\n"
				      "<!--[if mso]></body></html><![endif]-->";

	is_int((int64_t)html_body_end(page, strlen(page)), 20,
	    "a footer goes before </body>");
	is_int((int64_t)html_body_end("<p>x", 4), 4, "or to the end");
	is_int((int64_t)html_body_end("", 0), 0, "of nothing, too");
	is_int((int64_t)html_body_end(outlook, strlen(outlook)), 16,
	    "never into a comment that has a </body> of its own");
	is_int(html_images_without_alt("<img><img alt=''><IMG src=x>", 28), 2,
	    "counts images without alt");
}

static const char *text(void *mem, const char *html)
{
	return html_to_text(mem, html, strlen(html));
}

static void text_tests(void *mem)
{
	is_text(text(mem,
		    "<html><head><title>T</title><style>p{}</style></"
		    "head><body><h1>Hello\n "
		    "you</h1><p>One <b>two</b>\n three.<br>Four</p></body></html>"),
	    "Hello you\n\nOne two three.\nFour\n",
	    "paragraphs, headings and line ends");
	is_text(text(mem,
		    "<p>See <a href=\"https://a.b/\">our page</a>, <a "
		    "href='https://c.d'>"
		    "https://c.d</a> or <a href=\"mailto:x@y.z\">x@y.z</a>.</p>"),
	    "See our page (https://a.b/), https://c.d or x@y.z.\n",
	    "links by label and address");
	is_text(text(mem,
		    "<body><div style=\"display: NONE;max-height:0\">Secret&#847;&zwnj;"
		    "&nbsp;&shy;</div><p hidden>x</p>&#847;&zwnj;<p>Hello"
		    "</p></body>"),
	    "Hello\n", "what is hidden in the mail is hidden in the text");
	is_text(text(mem, "<p>\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae</p>"),
	    "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae\n", "a joiner inside a word stays");
	is_text(text(mem, "<ul><li>a<li>b</ul><ol><li>c</li><li>d</li></ol>"),
	    "- a\n- b\n\n1. c\n2. d\n", "lists");
	is_text(text(mem, "<p>Dear {{ first_name | default: \"friend\" }},</p>"),
	    "Dear {{ first_name | default: \"friend\" }},\n", "values stay");
	is_text(text(mem,
		    "<table>{% for x in items %}<tr><td>{{ x.a }}</td><td>{{ x.b "
		    "}}</td></tr>"
		    "{% endfor %}</table>"),
	    "{% for x in items %}\n{{ x.a }} {{ x.b }}\n{% endfor %}\n",
	    "tags stay where they were, in tables too");
	is_text(text(mem, "<p>a &amp; b&nbsp;&copy;</p><pre>x\n  y</pre>"),
	    "a & b \xc2\xa9\n\nx\n  y\n",
	    "references are decoded, pre keeps its "
	    "lines");
}

static void hostile_tests(void *mem)
{
	struct buf *b = buf_new(mem);
	struct html_link *link;
	size_t i, n;

	for (i = 0; i < 100000; i++)
		buf_str(b, "<div>");
	ok(html_links(mem, b->data, b->len, &link, &n) == ERR_INVALID,
	    "refuses elements nested 100,000 deep");
	is_text(html_to_text(mem, b->data, b->len), "", "and makes no text of them");
	buf_reset(b);
	for (i = 0; i < 5000; i++)
		buf_printf(b, "<p><a href=\"/%zu\">x", i);
	ok(html_links(mem, b->data, b->len, &link, &n) == ERR_INVALID || n == 5000,
	    "unclosed links are found or refused");
	buf_reset(b);
	buf_str(b, "<ol>");
	for (i = 0; i < 100000; i++)
		buf_str(b, "<li>x");
	is_int((int64_t)(strlen(html_to_text(mem, b->data, b->len)) / 100000), 4,
	    "a list of 100,000 is written soon");
	is_text(links(mem, "<a href=\"{{ "), "", "an unclosed attribute is no link");
	is_text(links(mem, "{% if"), "", "an unclosed tag is no trouble");
	is_text(links(mem, "{"), "", "nor is a brace alone");
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");

	escape_tests(mem);
	link_tests(mem);
	other_tests();
	text_tests(mem);
	hostile_tests(mem);
	return done_testing();
}
