#include "send/compose.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/token.h"
#include "send/content.h"
#include "send/ses.h"
#include "tap.h"

static const struct keyring keys = { .token = { 1, 2, 3 } };
static const struct brand brand = {
	.id = 3,
	.name = "Nordlicht",
	.from_name = "Zoë, Nordlicht",
	.from_email = "news@nord.test",
	.reply_to = "help@nord.test",
	.postal_address = "Hafen 1\n20457 Hamburg",
	.time_zone = "UTC",
};
static const struct field fields[] = { { .id = 1, .key = "city", .label = "City" } };
static struct subscriber ada = {
	.id = 77,
	.email = "ada@x.test",
	.email_key = "ada@x.test",
	.first_name = "Ada <&> \"L\"",
	.last_name = "",
};

static struct campaign draft(const char *subject, const char *html, const char *text)
{
	return (struct campaign){
		.id = 9,
		.brand_id = 3,
		.name = "C",
		.subject = subject,
		.html = html,
		.text = text,
		.preview_text = "",
		.from_name = "",
		.from_email = "",
		.reply_to = "",
		.track_opens = true,
		.track_clicks = true,
	};
}

static struct compose_source source(const struct campaign *c, enum compose_mode mode)
{
	return (struct compose_source){
		.campaign = c,
		.brand = &brand,
		.fields = fields,
		.nfields = 1,
		.public_url = "https://m.test",
		.keys = &keys,
		.mode = mode,
		.now = 1000,
	};
}

static struct message message_of(void *mem, const struct campaign *c,
    enum compose_mode mode)
{
	struct compose_source src = source(c, mode);
	struct content *content;
	struct message m = { 0 };
	const char *why = NULL;

	if (content_compile(mem, &src, &content) != OK) {
		const struct compose_problem *p;

		for (size_t n = content_problems(content, &p); n; n--, p++)
			diag("%s %d: %s", p->part, p->line, p->text);
	}
	if (content_message(content, mem, &ada, &m, &why) != OK)
		diag("no message: %s", why);
	return m;
}

static const char *header(const struct message *m, const char *name)
{
	for (size_t i = 0; i < m->nheaders; i++)
		if (strcmp(m->headers[i].name, name) == 0)
			return m->headers[i].value;
	return "";
}

static bool has(const char *text, const char *part)
{
	bool found = text && strstr(text, part);

	if (!found)
		diag("\"%s\" is not in: %s", part, text ? text : "(null)");
	return found;
}

/* The token behind `prefix` in text, read back. */
static struct token token_in(const char *text, const char *prefix,
    enum token_purpose purpose)
{
	const char *s = strstr(text, prefix);
	struct token t = { 0 };
	char word[TOKEN_MAX + 1] = "";

	if (s)
		memcpy(word, s + strlen(prefix), strcspn(s + strlen(prefix), "\">)\n"));
	if (token_read(&keys, purpose, word, &t) != OK)
		diag("no token %s in %s", prefix, text);
	return t;
}

static void test_message(void *mem)
{
	struct campaign c = draft("Hi {{ first_name }}",
	    "<html><body class=\"a>b\"><p>Hello {{ first_name | default: \"you\" }}</p>"
	    "<a href=\"https://shop.test/?a=1&amp;b=2\">Shop</a> <a "
	    "href='mailto:x@y.test'>m</a>"
	    "<a href=\"https://shop.test/?a=1&amp;b=2\">again</a> <a "
	    "href=\"#top\">t</a>"
	    "<a href=\"https://shop.test/{{ city }}\">Your city</a></body></html>",
	    "");
	struct message m = message_of(mem, &c, COMPOSE_SEND);
	struct token t;

	is_text(m.subject, "Hi Ada <&> \"L\"",
	    "content_message fills the subject as it is");
	is_text(m.from, "\"Zo\xc3\xab, Nordlicht\" <news@nord.test>",
	    "content_message quotes the sender's name");
	is_text(m.reply_to, "help@nord.test", "content_message replies to the brand");
	is_text(m.to, "ada@x.test", "content_message is to the subscriber");
	ok(has(m.html, "<p>Hello Ada &lt;&amp;&gt; &quot;L&quot;</p>") ||
		has(m.html, "<p>Hello Ada &lt;&amp;&gt; \"L\"</p>"),
	    "content_message escapes in HTML");
	t = token_in(m.html, "https://m.test/t/c/", TOKEN_CLICK);
	ok(t.campaign == 9 && t.subscriber == 77 && t.link == 1,
	    "content_message signs clicks");
	ok(!strstr(m.html, "shop.test"), "content_message replaces every tracked link");
	ok(has(m.html, "mailto:x@y.test") && has(m.html, "href=\"#top\""),
	    "content_message leaves mailto: and # alone");
	t = token_in(m.html, "https://m.test/t/o/", TOKEN_OPEN);
	ok(t.campaign == 9 && t.subscriber == 77, "content_message adds the pixel");
	ok(strstr(m.html, "/t/o/") < strstr(m.html, "</body>"),
	    "content_message puts it inside the body");
	t = token_in(m.html, "https://m.test/u/", TOKEN_UNSUBSCRIBE);
	ok(t.campaign == 9 && t.subscriber == 77,
	    "content_message adds the unsubscribe link");
	ok(has(m.html, "Hafen 1, 20457 Hamburg"),
	    "content_message adds the postal address");
	ok(has(m.text, "Hello Ada <&> \"L\"") &&
		has(m.text, "https://shop.test/?a=1&b=2"),
	    "content_message makes a text of the HTML, with the author's links");
	ok(has(m.text, "Unsubscribe: https://m.test/u/") &&
		has(m.text, "Hafen 1, 20457 Hamburg"),
	    "content_message adds both to the text");
	ok(has(header(&m, "List-Unsubscribe"), "<https://m.test/u/") &&
		!strstr(header(&m, "List-Unsubscribe"), "mailto:"),
	    "content_message has List-Unsubscribe, by what receives it alone");
	is_text(header(&m, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click",
	    "content_message has List-Unsubscribe-Post");
	is_text(header(&m, "List-Id"), "\"Nordlicht\" <brand-3.nord.test>",
	    "content_message has List-Id");
}

static void test_links(void *mem)
{
	struct campaign c = draft("S",
	    "<a href=\"https://a.test/\">A</a>"
	    "<a href=\"https://b.test/{{ city }}\">B</a>"
	    "{% for t in tags %}<a href=\"https://c.test/{{ t }}\">C</a>{% endfor %}"
	    "<a href=\"https://a.test/\">again</a><a href=\"{{ unsubscribe_url "
	    "}}\">bye</a>",
	    "t");
	struct compose_link known[] = { { 4, "https://b.test/{{ city }}", "B" } };
	struct compose_source src = source(&c, COMPOSE_SEND);
	struct content *content;
	const struct compose_link *links;
	struct message m;
	const char *why;

	ada.tags = json_arr(mem);
	json_push_text(ada.tags, "red");
	src.known = known;
	src.nknown = 1;
	ok(content_compile(mem, &src, &content) == OK, "content_compile takes loops");
	is_int((int64_t)content_links(content, &links), 3,
	    "content_links has each address once");
	is_text(links[0].url, "https://b.test/{{ city }}",
	    "content_links keeps what is stored");
	is_int(links[1].number, 5, "content_links numbers new ones behind");
	is_text(links[1].label, "A", "content_links has the label");
	ok(content_message(content, mem, &ada, &m, &why) == OK,
	    "content_message renders tags");
	ok(!strstr(m.html, "https://c.test/"),
	    "content_message tracks the links of a loop");
	is_int(token_in(m.html, "https://m.test/t/c/", TOKEN_CLICK).link, 5,
	    "content_message replaces marks in rendered parts");
	ok(!strchr(m.html, MARK), "content_message leaves no mark");
	c.track_clicks = c.track_opens = false;
	m = message_of(mem, &c, COMPOSE_SEND);
	ok(has(m.html, "https://a.test/") && !strstr(m.html, "/t/"),
	    "content_message tracks nothing when switched off");
	c.track_clicks = c.track_opens = true;
	m = message_of(mem, &c, COMPOSE_TEST);
	ok(has(m.html, "https://a.test/") && !strstr(m.html, "/t/"),
	    "content_message tracks nothing in a test");
	is_text(m.subject, "[Test] S", "content_message marks a test");
	is_int(token_in(m.html, "https://m.test/u/", TOKEN_UNSUBSCRIBE).campaign, 0,
	    "content_message unsubscribes nobody from a test");
	m = message_of(mem, &c, COMPOSE_PREVIEW);
	ok(has(m.html, "#unsubscribe") && !strstr(m.html, "/t/") &&
		!strstr(m.html, "/u/"),
	    "content_message leads nowhere in a preview");
}

static const char *problem(const struct content *c, const char *part,
    enum problem_level level)
{
	const struct compose_problem *p;
	size_t n = content_problems(c, &p);

	for (size_t i = 0; i < n; i++)
		if (strcmp(p[i].part, part) == 0 && p[i].level == level)
			return p[i].text;
	return "";
}

static void test_problems(void *mem)
{
	struct campaign c = draft("", "<p>\n {{ first_nam }}</p>\n{% if a %}", "");
	struct compose_source src = source(&c, COMPOSE_SEND);
	const struct compose_problem *p;
	struct content *content;
	bool line = false;

	ok(content_compile(mem, &src, &content) == ERR_INVALID,
	    "content_compile refuses an open tag");
	is_text(problem(content, "subject", PROBLEM_ERROR), "Write a subject.",
	    "content_problems wants a subject");
	for (size_t n = content_problems(content, &p); n; n--, p++)
		line = line ||
		    (strcmp(p->part, "html") == 0 && p->level == PROBLEM_ERROR &&
			p->line == 3);
	ok(line, "content_problems knows the line");
	c = draft("S", "<p>\n {{ first_nam }}</p>", "");
	ok(content_compile(mem, &src, &content) == OK,
	    "content_compile only warns of a wrong name");
	is_text(problem(content, "html", PROBLEM_WARNING),
	    "There is no field \"first_nam\". Did you mean \"first_name\"?",
	    "content_problems offers the right one");
	content_problems(content, &p);
	for (size_t n = content_problems(content, &p); n; n--, p++)
		if (p->level == PROBLEM_WARNING)
			break;
	ok(p->line == 2 && p->column == 5, "content_problems says where");
	c = draft("S", "<p>{{ first_name | upcas }}</p>", "");
	ok(content_compile(mem, &src, &content) == ERR_INVALID,
	    "content_compile refuses an unknown filter");
	is_text(problem(content, "html", PROBLEM_ERROR),
	    "There is no filter named \"upcas\".", "content_problems names it");
	c = draft("A\nB", "", "Text only");
	ok(content_compile(mem, &src, &content) == ERR_INVALID,
	    "content_compile refuses a line break in the subject");
	c = draft("A", " ", "");
	ok(content_compile(mem, &src, &content) == ERR_INVALID,
	    "content_compile refuses an empty mail");
	c = draft("A", "", "Text only, {{ city }}");
	ok(content_compile(mem, &src, &content) == OK,
	    "content_compile takes a text without HTML");
}

static void test_injection(void *mem)
{
	struct campaign c = draft("Hi {{ first_name }}", "<p>x</p>", "");
	struct compose_source src = source(&c, COMPOSE_SEND);
	struct subscriber eve = ada;
	struct content *content;
	struct message m;
	const char *why;

	ok(content_compile(mem, &src, &content) == OK, "content_compile compiles");
	eve.first_name = "x\r\nBcc: all@x.test";
	ok(content_message(content, mem, &eve, &m, &why) == ERR_INVALID,
	    "content_message refuses a line break in a value");
	ok(has(why, "control character"), "content_message says why");
	eve = ada;
	eve.email = "a@x.test>,<b@x.test";
	ok(content_message(content, mem, &eve, &m, &why) == ERR_INVALID,
	    "content_message refuses two addresses");
	eve = ada;
	eve.first_name = "\001c99\001<script>";
	c = draft("S", "<p>{% if true %}{{ first_name }}{% endif %}</p>", "");
	ok(content_compile(mem, &src, &content) == OK &&
		content_message(content, mem, &eve, &m, &why) == OK &&
		!strstr(m.html, "<script>"),
	    "content_message is not fooled by a mark in a value");
}

/* What SES would make of the bulk template: its own simple substitution, written anew.
 */
static char *substitute(void *mem, const char *t, struct json_object *data)
{
	struct buf *b = buf_new(mem);

	for (const char *end; *t; t = end + 2) {
		const char *open = strstr(t, "{{");

		if (!open) {
			buf_str(b, t);
			break;
		}
		buf_add(b, t, (size_t)(open - t));
		end = strstr(open, "}}");
		buf_str(b,
		    json_text(data, mem_strn(mem, open + 2, (size_t)(end - open - 2)),
			"MISSING"));
	}
	return b->data;
}

static void test_bulk(void *mem)
{
	struct campaign c = draft("{{ first_name }} {% raw %}{{x}}{% endraw %}",
	    "<style>a{b:c}@media{x{y:z}}</style>\\{{ city }}}{% raw %}{{% endraw %}{{ "
	    "first_name }}"
	    "<a href=\"https://a.test/\">A</a>",
	    "");
	struct compose_source src = source(&c, COMPOSE_SEND);
	struct content *content;
	struct message m;
	struct buf *body = buf_new(mem);
	struct ses_writer w = { "", mem };
	struct outgoing o = { .delivery_id = 5,
		.tries = 2,
		.campaign_id = 9,
		.to = "ada@x.test",
		.who = ada };
	struct json_object *call, *t, *data, *entry;
	struct ses_template *template;
	const char *why = NULL;

	ok(content_compile(mem, &src, &content) == OK, "content_compile takes braces");
	ok(content_message(content, mem, &ada, &m, &why) == OK,
	    "content_message renders them");
	o.content = content;
	template = ses_template_new(mem, content);
	ses_bulk_begin(&w, template, body);
	ok(ses_bulk_entry(&w, template, &o, true, body, &why) == OK,
	    "ses_bulk_entry writes an entry");
	ok(ses_bulk_entry(&w, template, &o, false, body, &why) == OK,
	    "ses_bulk_entry writes another");
	ses_bulk_end(&w, body);
	ok(json_read(mem, body->data, body->len, &call, &why) == OK,
	    "ses_bulk_end leaves valid JSON");
	t = json_get(json_get(json_get(call, "DefaultContent"), "Template"),
	    "TemplateContent");
	entry = json_object_array_get_idx(json_get(call, "BulkEmailEntries"), 1);
	data = json_get(json_get(json_get(entry, "ReplacementEmailContent"),
			    "ReplacementTemplate"),
	    "ReplacementTemplateData");
	ok(json_read(mem, json_object_get_string(data),
	       strlen(json_object_get_string(data)), &data, &why) == OK,
	    "ses_bulk_entry writes data as JSON in JSON");
	is_text(substitute(mem, json_text(t, "Subject", ""), data), m.subject,
	    "bulk and single have the same subject");
	is_text(substitute(mem, json_text(t, "Html", ""), data), m.html,
	    "bulk and single have the same HTML");
	is_text(substitute(mem, json_text(t, "Text", ""), data), m.text,
	    "bulk and single have the same text");
	buf_reset(body);
	ok(ses_single(&w, &o, body, &why) == OK &&
		json_read(mem, body->data, body->len, &call, &why) == OK,
	    "ses_single writes valid JSON");
	t = json_get(json_get(call, "Content"), "Simple");
	is_text(json_text(json_get(json_get(t, "Body"), "Html"), "Data", ""), m.html,
	    "ses_single has the same HTML");
	ok(strncmp(json_text(call, "FromEmailAddress", ""), "=?UTF-8?B?", 10) == 0,
	    "ses_single encodes a name that is not ASCII");
	ok(has(body->data, "\"maillayer_delivery\",\"Value\":\"5-2\""),
	    "ses_single carries the attempt");
}

/* To a template empty and missing are the same. */
static void test_empty(void *mem)
{
	static const char html[] =
	    "<p>{% if first_name %}Hi{% else %}Hello{% endif %}/"
	    "{% if city %}{{ city }}{% else %}nowhere{% endif %}/"
	    "{% if fields.city %}x{% else %}none{% endif %}|</p>";
	struct campaign c = draft("S", html, "");
	struct compose_source src = source(&c, COMPOSE_SEND);
	struct subscriber who = ada;
	struct content *content;
	struct message m;
	const char *why;

	who.first_name = "";
	who.custom = json_obj(mem);
	json_set_text(who.custom, "city", "");
	ok(content_compile(mem, &src, &content) == OK &&
		content_message(content, mem, &who, &m, &why) == OK &&
		strstr(m.html, "<p>Hello/nowhere/none|</p>"),
	    "content_message takes an empty value for a missing one");
}

static void test_now(void *mem)
{
	struct campaign c = draft("S",
	    "<p>{{ \"now\" | date: \"%Y\" }}|{{ now | date: \"%Y\" }}|"
	    "{{ today | date: \"%d.%m.%Y\" }}|</p>",
	    "");
	struct compose_source src = source(&c, COMPOSE_SEND);
	struct content *content;
	struct message m = { .html = "" };
	const char *why;

	src.now = 1764543600000; /* 2025-11-30 23:00 UTC, the next day in Berlin */
	src.brand = &(struct brand){ .id = 3,
		.name = "B",
		.from_email = "a@b.test",
		.from_name = "",
		.reply_to = "",
		.postal_address = "Quay 1",
		.time_zone = "Europe/Berlin" };
	ok(content_compile(mem, &src, &content) == OK &&
		content_message(content, mem, &ada, &m, &why) == OK &&
		strstr(m.html, "<p>2025|2025|01.12.2025|</p>"),
	    "content_message knows now and today: %s", m.html);
}

/* The preview text is a text, and senders are written in any script. */
static void test_headers(void *mem)
{
	struct campaign c = draft("S", "<p>Hi</p>", "");
	struct message m;
	const char *why = NULL;

	c.preview_text = "1 < 2 & {{ first_name | default: \"<b>\" }} <!--";
	m = message_of(mem, &c, COMPOSE_SEND);
	ok(has(m.html, "1 &lt; 2 &amp; Ada &lt;&amp;&gt;"),
	    "content_message escapes the preview text");
	ok(has(m.html, "&lt;!--</div><p>Hi</p>"), "so that it hides nothing");
	c.from_email = "caf\xc3\xa9@h\xc3\xb6lm.example";
	c.reply_to = "post@h\xc3\xb6lm.example";
	m = message_of(mem, &c, COMPOSE_SEND);
	is_int(message_ready(&m, &why), OK,
	    "content_message makes headers of any domain: %s", why ? why : "");
	is_text(header(&m, "List-Id"), "\"Nordlicht\" <brand-3.xn--hlm-sna.example>",
	    "content_message writes its domain in ASCII");
}

/* Merge tags as editors of HTML and word processors write them. */
static void test_spellings(void *mem)
{
	static const char *const ways[][2] = {
		{ "{{ none | default: &quot;you&quot; }}", "you" },
		{ "{{ none | default: &#39;there&#39; }}", "there" },
		{ "{{&nbsp;none | default:\xc2\xa0\"a\" }}", "a" },
		{ "{{ none | default: \xe2\x80\x9cyou\xe2\x80\x9d }}", "you" },
		{ "{{ none | default: \xe2\x80\x98you\xe2\x80\x99 }}", "you" },
		{ "{{ none | default: \"it\xe2\x80\x99s\" }}", "it\xe2\x80\x99s" },
		{ "{{ none | default: \xe2\x80\x9cit\xe2\x80\x99s\xe2\x80\x9d }}",
		    "it\xe2\x80\x99s" },
		{ "{% if 2 &gt; 1 %}more{% endif %}", "more" },
		{ "{% if 1 &lt; 2 %}less{% endif %}", "less" },
		{ "{{ none | default: \"A &amp; B\" }}", "A &amp; B" },
		{ "&quot;%7B\xc2\xa0{&nbsp;}", "&quot;%7B\xc2\xa0{&nbsp;}" },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct campaign c =
		    draft("S", mem_printf(mem, "<p>%s|", ways[i][0]), "");
		struct message m = message_of(mem, &c, COMPOSE_SEND);

		ok(strstr(m.html, mem_printf(mem, "<p>%s|", ways[i][1])) != NULL,
		    "content_compile reads %s", ways[i][0]);
	}
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");

	ada.custom = json_obj(mem);
	json_set_text(ada.custom, "city", "Bonn");
	test_message(mem);
	test_links(mem);
	test_problems(mem);
	test_injection(mem);
	test_bulk(mem);
	test_spellings(mem);
	test_empty(mem);
	test_now(mem);
	test_headers(mem);
	return done_testing();
}
