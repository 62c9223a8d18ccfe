#include "send/link.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/brand.h"
#include "send/compose.h"
#include "send/content.h"
#include "tap.h"

/*
 * One link, one rule: for each link of a mail the address in the HTML that is not
 * tracked, the one in the text and the one a click leads to are the same.
 */
static const struct keyring keys = { .token = { 9, 8, 7 } };
static const struct brand brand = { .id = 3,
	.name = "Nord",
	.from_name = "Nord",
	.from_email = "news@nord.test",
	.reply_to = "",
	.postal_address = "Quay 1",
	.time_zone = "UTC" };
static const struct field fields[] = { { .key = "city" }, { .key = "coupon" },
	{ .key = "site" }, { .key = "none" } };
static struct subscriber mia = { .id = 77,
	.brand_id = 3,
	.email = "mia+news@example.com",
	.email_key = "mia+news@example.com",
	.first_name = "Mia Ann",
	.last_name = "" };

static struct campaign draft(const char *html, const char *text)
{
	return (struct campaign){ .id = 9,
		.brand_id = 3,
		.name = "Spring Sale",
		.subject = "S",
		.html = html,
		.text = text,
		.preview_text = "",
		.from_name = "",
		.from_email = "",
		.reply_to = "",
		.track_opens = false,
		.track_clicks = true };
}

static struct content *content_of(void *mem, const struct campaign *c,
    enum compose_mode mode)
{
	struct compose_source src = { .campaign = c,
		.brand = &brand,
		.fields = fields,
		.nfields = 4,
		.public_url = "https://m.test",
		.keys = &keys,
		.mode = mode,
		.now = 1000 };
	struct content *content;

	if (content_compile(mem, &src, &content) != OK)
		diag("%s does not compile", c->html);
	return content;
}

static struct message mail(void *mem, const struct content *c)
{
	struct message m = { .html = "", .text = "" };
	const char *why = NULL;

	if (content_message(c, mem, &mia, &m, &why) != OK)
		diag("no mail: %s", why);
	return m;
}

/* Between `open` and `close`, decoded, or "". */
static char *cut(void *mem, const char *s, const char *open, const char *close)
{
	const char *at = strstr(s, open), *end;
	struct buf *b = buf_new(mem);

	at = at ? at + strlen(open) : NULL;
	end = at ? strstr(at, close) : NULL;
	for (; at && end && at < end; at++) {
		buf_char(b, *at);
		if (strncmp(at, "&amp;", 5) == 0)
			at += 4;
		if (strncmp(at, "&#123;", 6) == 0) {
			b->data[b->len - 1] = '{';
			at += 5;
		}
	}
	return b->data;
}

/* Where the token at `word` leads, as web/track finds out. */
static const char *click(void *mem, const struct content *c, const char *word)
{
	struct token t;
	const char *stored;
	char *url;

	if (token_read_in(mem, &keys, TOKEN_CLICK, word, &t) != OK)
		return "no token";
	stored = content_link_url(c, t.link);
	if (!stored)
		return "no link";
	url = t.between ? link_join(mem, stored, &t) : mem_str(mem, stored);
	url = url ? link_ascii(mem, url) : NULL;
	return url ? url : "404";
}

/* The three addresses of <a href="HREF">x</a>, if they are one; else all of them. */
static const char *leads(void *mem, const char *href, char quote)
{
	char open[] = { 'h', 'r', 'e', 'f', '=', quote, 0 }, close[] = { quote, 0 };
	struct campaign c =
	    draft(mem_printf(mem, "<a %s%s%s>x</a>", open, href, close), "");
	struct content *sent = content_of(mem, &c, COMPOSE_SEND);
	struct message m = mail(mem, sent);
	const char *clicked =
		       click(mem, sent, cut(mem, m.html, "https://m.test/t/c/", close)),
		   *text = cut(mem, m.text, "x (", ")\n"), *plain;

	c.track_clicks = false;
	m = mail(mem, content_of(mem, &c, COMPOSE_SEND));
	plain = link_ascii(mem, cut(mem, m.html, open, close));
	text = text_empty(text) ? "" : link_ascii(mem, text);
	if (text_equal(clicked, plain) && text_equal(clicked, text))
		return clicked;
	return mem_printf(mem, "clicked %s, text %s, untracked %s", clicked, text,
	    plain);
}

static const struct {
	const char *href, *leads;
} cases[] = {
	{ "Https://holm.example/news", "https://holm.example/news" },
	{ "HTTPS://HOLM.EXAMPLE/Path", "https://holm.example/Path" },
	{ " https://holm.example/a\n", "https://holm.example/a" },
	{ "https://holm.example/a\n\tb", "https://holm.example/ab" },
	{ "https://holm.example/a b?c=d e", "https://holm.example/a%20b?c=d%20e" },
	{ "http:\\\\holm.example\\x", "http://holm.example/x" },
	{ "https:holm.example/x", "https://holm.example/x" },
	{ "https://h\xc3\xb6lm.example/\xc3\xa9?\xc3\xa9#\xc3\xa9",
	    "https://xn--hlm-sna.example/%C3%A9?%C3%A9#%C3%A9" },
	{ "https://holm.example/?a=1&amp;b=2&copy=3",
	    "https://holm.example/?a=1&b=2&copy=3" },
	{ "https://holm.example/%zz?%", "https://holm.example/%zz?%" },
	{ "{% if city == 'Oslo' %}https://holm.example/oslo{% else %}"
	  "https://holm.example/rest{% endif %}",
	    "https://holm.example/oslo" },
	{ "https://holm.example/{% if city == 'Oslo' %}o{% else %}r{% endif %}",
	    "https://holm.example/o" },
	{ "https://holm.example/{% if none %}{{ none }}{% else %}{{ first_name "
	  "}}"
	  "{% endif %}?x",
	    "https://holm.example/Mia%20Ann?x" },
	{ "https://holm.example/?utm={{ campaign_name | url_encode }}",
	    "https://holm.example/?utm=Spring+Sale" },
	{ "https://holm.example/?utm={{ campaign_name }}",
	    "https://holm.example/?utm=Spring%20Sale" },
	{ "https://holm.example/?e={{ email }}&amp;n={{ first_name }}",
	    "https://holm.example/?e=mia%2Bnews%40example.com&n=Mia%20Ann" },
	{ "https://holm.example/r?c={{ coupon }}", "https://holm.example/r?c=OLD1" },
	{ "{{ site }}", "https://mia.example/?q=1&r=%C3%A9" },
	{ "https://{{ site }}", "https://mia.example/?q=1&r=%C3%A9" },
	{ "HTTP://{{ site }}", "https://mia.example/?q=1&r=%C3%A9" },
	{ "https://holm.example/?next={{ site }}",
	    "https://holm.example/"
	    "?next=https%3A%2F%2Fmia.example%2F%3Fq%3D1%26r%3D"
	    "%C3%A9" },
	{ "https://{{ city }}.holm.example/{{ city }}",
	    "https://oslo.holm.example/Oslo" },
	{ "\n{{ site }}&amp;z={{ city }}", "https://mia.example/?q=1&r=%C3%A9&z=Oslo" },
	{ "https://holm.example/%7B%7B%20city%20%7D%7D", "https://holm.example/Oslo" },
	{ "https://holm.example/&#123;&#123;city}}",
	    "https://holm.example/%7B%7Bcity%7D%7D" },
	{ "https://holm.example/?q=&quot;{{ city }}&quot;",
	    "https://holm.example/?q=%22Oslo%22" },
	{ "https://holm.example/{{ none | default: \"a b\" }}",
	    "https://holm.example/a%20b" },
	{ "https://holm.example/{% assign q = city | append: '&' %}{{ q }}",
	    "https://holm.example/Oslo%26" },
};

static void test_one_address(void *mem)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool quoted = strchr(cases[i].href, '"') != NULL;

		is_text(leads(mem, cases[i].href, quoted ? '\'' : '"'), cases[i].leads,
		    "%s", cases[i].href);
	}
}

static void test_own_text(void *mem)
{
	struct campaign c = draft("",
	    "Go to https://holm.example/?e={{ email }}&n={{ first_name }}. "
	    "(HTTPS://holm.example/{% if city == 'Oslo' %}o{% endif %}), {{ email }}");
	struct message m = mail(mem, content_of(mem, &c, COMPOSE_SEND));

	ok(text_starts(m.text,
	       "Go to https://holm.example/?e=mia%2Bnews%40example.com&n=Mia%20Ann. "
	       "(https://holm.example/o), mia+news@example.com"),
	    "the author's text has values encoded in its addresses only: %s", m.text);
}

static void test_vml(void *mem)
{
	struct campaign c =
	    draft("<!--[if mso]><v:roundrect xmlns:v=\"urn:x\" "
		  "href=\"https://holm.example/buy?c={{ city }}\"><center>Buy</center>"
		  "</v:roundrect><![endif]-->\n<!--[if !mso]><!-->"
		  "<a href=\"https://holm.example/buy?c={{ city "
		  "}}\">Buy</a><!--<![endif]-->"
		  "<!--[if mso]><a href=\"https://holm.example/\">x</a><![endif]-->"
		  "<!-- <a href=\"https://old.example/\">x</a> -->",
		"");
	struct content *content = content_of(mem, &c, COMPOSE_SEND);
	struct message m = mail(mem, content);
	const char *word = cut(mem, m.html, "href=\"https://m.test/t/c/", "\"");

	is_text(click(mem, content, word), "https://holm.example/buy?c=Oslo",
	    "Outlook's shapes are tracked");
	ok(strstr(strstr(m.html, "<!--<![endif]"), "m.test/t/c/") != NULL,
	    "and links for Outlook alone");
	is_int((int64_t)content_links(content, &(const struct compose_link *){ NULL }),
	    2, "the same address is one link");
	ok(strstr(m.html, "https://old.example/") != NULL, "a plain comment stays");
}

static void test_unsubscribe(void *mem)
{
	static const char *const ways[] = { "{{ unsubscribe_url }}",
		"http://{{ unsubscribe_url }}", "https://{{unsubscribe_url}}",
		"%7B%7B%20unsubscribe_url%20%7D%7D", " {{ unsubscribe_url }}" };

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct campaign c =
		    draft(mem_printf(mem, "<a href=\"%s\">bye</a>", ways[i]), "");
		struct message m = mail(mem, content_of(mem, &c, COMPOSE_SEND));

		ok(strstr(m.html, "<a href=\"https://m.test/u/") != NULL,
		    "%s leads to our page: %s", ways[i], m.html);
	}
}

static void test_not_the_web(void *mem)
{
	struct campaign c =
	    draft("<a href=\"{{ none }}\">a</a><a href=\"{{ coupon }}\">b</a>"
		  "<a href=\"mailto:{{ email }}\">c</a>",
		"");
	struct message m;

	json_set_text(mia.custom, "coupon", "javascript:alert(1)");
	m = mail(mem, content_of(mem, &c, COMPOSE_SEND));
	ok(strstr(m.html, "<a href=\"#\">a</a><a href=\"#\">b</a>") != NULL,
	    "a value that is no address leads nowhere: %s", m.html);
	json_set_text(mia.custom, "coupon",
	    mem_printf(mem, "https://x.test/%01200d", 7));
	m = mail(mem, content_of(mem, &c, COMPOSE_SEND));
	ok(strstr(m.html, "<a href=\"https://x.test/0") != NULL,
	    "an address too long for a token is not tracked");
}

static void test_braces(void *mem)
{
	struct campaign c =
	    draft("<p>Write <code>&#123;% if user %}</code>, <code>&#123;&#123; "
		  "user.name }}</code>{{ city }}, &#123;{{ city }}</p>",
		"");
	struct message m = mail(mem, content_of(mem, &c, COMPOSE_SEND));

	ok(text_starts(m.text, "Write {% if user %}, {{ user.name }}Oslo, {Oslo"),
	    "braces that an author wrote as entities stay text: %s", m.text);
	c.html = "<div style=\"display:none\">{% if true %}</div><p>Hi {{ city }}</p>"
		 "{% endif %}<a href=\"https://a.test/\">x</a> "
		 "<a href=\"https://b.test/{{ city }}\">y</a>";
	m = mail(mem, content_of(mem, &c, COMPOSE_SEND));
	ok(text_starts(m.text,
	       "Hi Oslo\n\nx (https://a.test/) y (https://b.test/Oslo)") &&
		strstr(m.text, "https://m.test/u/"),
	    "a tag that begins in what is hidden does not stop the text: %s", m.text);
	c.html = "{% if true %}&#123;% if a %}{% endif %}";
	m = mail(mem, content_of(mem, &c, COMPOSE_SEND));
	ok(text_starts(m.text, "{% if a %}"), "also beside tags: %s", m.text);
}

static void test_fill(void *mem)
{
	struct json_object *data =
	    merge_data(mem, &mia, &brand, "C", "https://m.test/u/x");
	char *url = NULL;

	ok(link_fill(mem, "https://a.test/?c={{ first_name }}&x=1", data, &url) == OK,
	    "link_fill fills a link");
	is_text(url, "https://a.test/?c=Mia%20Ann&x=1", "link_fill escapes a value");
	ok(link_fill(mem, "{{ nothing }}", data, &url) == ERR_INVALID,
	    "link_fill refuses nothing");
	ok(link_fill(mem, "{% if %}", data, &url) == ERR_INVALID,
	    "link_fill refuses what is no template");
}

static void test_hosts(void *mem)
{
	static const char *const none[] = { "https://", "https:///", "https://a b/",
		"https://a.test:99999/", "https://a.test:x/", "https://%00/",
		"ftp://a.test/", "https://a<b/", "//a.test/", "https://[::1", "#x",
		"" };
	static const char *const ports[][2] = { { "https://a.test:/x",
						    "https://a.test/x" },
		{ "https://a.test:65535", "https://a.test:65535" },
		{ "https://u:p@A.test:8/x", "https://u:p@a.test:8/x" },
		{ "http://[::1]:80/", "http://[::1]:80/" },
		{ "https://%61.test/", "https://a.test/" } };

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		ok(!link_ascii(mem, none[i]), "link_ascii refuses \"%s\"", none[i]);
	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++)
		is_text(link_ascii(mem, ports[i][0]), ports[i][1], "link_ascii: %s",
		    ports[i][0]);
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");

	mia.custom = json_obj(mem);
	json_set_text(mia.custom, "city", "Oslo");
	json_set_text(mia.custom, "coupon", "OLD1");
	json_set_text(mia.custom, "site", "https://mia.example/?q=1&r=\xc3\xa9");
	test_one_address(mem);
	test_own_text(mem);
	test_vml(mem);
	test_unsubscribe(mem);
	test_braces(mem);
	test_fill(mem);
	test_hosts(mem);
	test_not_the_web(mem);
	return done_testing();
}
