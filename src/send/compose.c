#include "send/compose.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "send/compose_html.h"
#include "send/compose_source.h"
#include "send/content.h"
#include "send/link.h"
#include "service/address.h"
#include "view/html.h"

static const char *const own_names[] = {
	"email",
	"first_name",
	"last_name",
	"tags",
	"fields",
	"unsubscribe_url",
	"postal_address",
	"brand_name",
	"campaign_name",
	"now",
	"today",
};

static const char footer_link[] =
    "<p style=\"margin:0\"><a href=\"{{ unsubscribe_url }}\" style=\"color:#5b6573\">"
    "Unsubscribe</a></p>";
static const char footer_address[] =
    "<p style=\"margin:0 0 4px\">{{ postal_address }}</p>";

void content_problem(struct content *c, enum problem_level level, const char *part,
    const struct liquid_error *at, const char *fmt, ...)
{
	struct compose_problem *p;
	va_list ap;

	c->problems = mem_resize(c, c->problems, (c->nproblems + 1) * sizeof(*p));
	p = &c->problems[c->nproblems++];
	va_start(ap, fmt);
	*p = (struct compose_problem){
		.level = level,
		.part = part,
		.line = at ? at->line : 0,
		.column = at ? at->column : 0,
		.text = mem_vprintf(c, fmt, ap),
	};
	va_end(ap);
	if (level == PROBLEM_ERROR)
		c->failed = true;
}

bool content_knows(const struct content *c, const char *name)
{
	for (size_t i = 0; i < sizeof(own_names) / sizeof(*own_names); i++)
		if (strcmp(name, own_names[i]) == 0)
			return true;
	for (size_t i = 0; i < c->src.nfields; i++)
		if (strcmp(name, c->src.fields[i].key) == 0)
			return true;
	return false;
}

/* ---- names ---- */

/* First place in the template where `name` stands alone inside {{ or {%. */
static bool find_name(const char *src, const char *name, struct liquid_error *at)
{
	size_t n = strlen(name);
	bool inside = false;
	int line = 1, column = 1;

	for (const char *s = src; *s; s++, column++) {
		if (s[0] == '{' && (s[1] == '{' || s[1] == '%'))
			inside = true;
		else if (s[1] == '}' && (s[0] == '}' || s[0] == '%'))
			inside = false;
		if (inside && strncmp(s, name, n) == 0 &&
		    (s == src ||
			(!isalnum((unsigned char)s[-1]) && !strchr("_-.\"'", s[-1]))) &&
		    !isalnum((unsigned char)s[n]) && s[n] != '_' && s[n] != '-') {
			at->line = line;
			at->column = column;
			return true;
		}
		if (*s == '\n') {
			line++;
			column = 0;
		}
	}
	return false;
}

/* Names the template makes itself: assign x, capture x, for x in, increment x ... */
static bool is_made(const char *src, const char *name)
{
	static const char *const makers[] = { "assign", "capture", "for", "tablerow",
		"increment", "decrement" };
	size_t n = strlen(name);

	if (strcmp(name, "forloop") == 0 || strcmp(name, "tablerowloop") == 0)
		return true;
	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++) {
		size_t len = strlen(makers[i]);

		for (const char *s = src; (s = strstr(s, makers[i])); s += len) {
			const char *word = s + len;

			while (*word == ' ' || *word == '\t' || *word == '\n')
				word++;
			if (word > s + len && strncmp(word, name, n) == 0 &&
			    !isalnum((unsigned char)word[n]) && word[n] != '_')
				return true;
		}
	}
	return false;
}

/* Small edit distance (at most 2), for "did you mean". */
static int distance(const char *a, const char *b, int most)
{
	int least;

	while (*a && *a == *b)
		a++, b++;
	if (!*a || !*b)
		return (int)(strlen(a) + strlen(b));
	if (most == 0)
		return 1;
	least = distance(a + 1, b + 1, most - 1);
	if (distance(a + 1, b, most - 1) < least)
		least = distance(a + 1, b, most - 1);
	if (distance(a, b + 1, most - 1) < least)
		least = distance(a, b + 1, most - 1);
	return least + 1;
}

static const char *nearest(const struct content *c, const char *name)
{
	const char *best = NULL;
	int least = 3;

	for (size_t i = 0; i < sizeof(own_names) / sizeof(*own_names) + c->src.nfields;
	     i++) {
		size_t own = sizeof(own_names) / sizeof(*own_names);
		const char *w = i < own ? own_names[i] : c->src.fields[i - own].key;
		int d = distance(name, w, 2);

		if (d < least) {
			least = d;
			best = w;
		}
	}
	return best;
}

static void check_names(struct content *c, const char *part, const char *src,
    struct liquid *l)
{
	const char **names;
	size_t n = liquid_names(l, c, &names);

	for (size_t i = 0; i < n; i++) {
		struct liquid_error at = { 0 };
		const char *like;

		if (content_knows(c, names[i]) || is_made(src, names[i]))
			continue;
		find_name(src, names[i], &at);
		like = nearest(c, names[i]);
		if (like)
			content_problem(c, PROBLEM_WARNING, part, &at,
			    "There is no field \"%s\". Did you mean \"%s\"?", names[i],
			    like);
		else
			content_problem(c, PROBLEM_WARNING, part, &at,
			    "There is no field \"%s\": it will be empty.", names[i]);
	}
}

/* ---- templates ---- */
struct liquid *content_liquid(struct content *c, const char *part, const char *src,
    enum liquid_escape escape)
{
	struct liquid_options o = {
		.escape = escape,
		.known_filters = true,
		.now_ms = c->now,
		.zone = c->brand.time_zone,
	};
	struct liquid_error error = { 0 };
	struct liquid *l = NULL;

	if (liquid_compile(c, src, strlen(src), &o, &l, &error) == OK)
		return l;
	content_problem(c, PROBLEM_ERROR, part, &error, "%s", error.text);
	return NULL;
}

/* The author's own text, checked where its lines and columns are still the author's. */
static struct liquid *check_source(struct content *c, const char *part, const char *src,
    enum liquid_escape escape)
{
	struct liquid *l = content_liquid(c, part, src, escape);

	if (l)
		check_names(c, part, src, l);
	return l;
}

static char *author_text(void *mem, const char *s, bool html)
{
	char *copy = compose_source_read(mem, s ? s : "", html);

	for (char *p = copy; *p; p++)
		if (content_is_mark(*p))
			*p = ' ';
	return copy;
}

/* ---- the three parts ---- */
static void compile_subject(struct content *c)
{
	char *src = text_trim(c, author_text(c, c->src.campaign->subject, false));

	if (text_empty(src))
		content_problem(c, PROBLEM_ERROR, "subject", NULL, "Write a subject.");
	if (text_has_control(src))
		content_problem(c, PROBLEM_ERROR, "subject", NULL,
		    "The subject holds a line break: write it in one line.");
	if (!check_source(c, "subject", src, LIQUID_PLAIN))
		return;
	if (c->mode == COMPOSE_TEST)
		src = mem_printf(c, "[Test] %s", src);
	content_build(c, PART_SUBJECT, src, LIQUID_PLAIN);
}

/* What the law and the mailbox providers ask for, where the mail does not show it. */
static const char *footer(struct content *c, struct content_shown shown)
{
	if (!shown.link)
		content_problem(c, PROBLEM_NOTE, "html", NULL,
		    "There is no unsubscribe link: one will be added at the end.");
	if (!shown.address)
		content_problem(c, PROBLEM_NOTE, "html", NULL,
		    "The postal address is missing: it will be added at the end.");
	return mem_printf(c,
	    "<div style=\"margin:24px 0;text-align:center;color:#5b6573;"
	    "font:12px/18px Arial,Helvetica,sans-serif\">%s%s</div>",
	    shown.address ? "" : footer_address, shown.link ? "" : footer_link);
}

/* The HTML with the extras; again with a footer if the mail turns out to need one. */
static void build_html(struct content *c, const char *html, struct html_extra *x)
{
	struct content_shown shown;
	size_t told;

	content_build(c, PART_HTML, html_prepare(c, c, html, x), LIQUID_HTML);
	shown = content_shows(c, PART_HTML);
	if (shown.link && shown.address)
		return;
	x->footer = footer(c, shown);
	told = c->nproblems;
	c->part[PART_HTML] = (struct part){ 0 };
	content_build(c, PART_HTML, html_prepare(c, c, html, x), LIQUID_HTML);
	c->nproblems = told; /* the links are told already */
}

static void compile_html(struct content *c, const char *html)
{
	char *preheader =
	    html_preheader(c, author_text(c, c->src.campaign->preview_text, false));
	struct html_extra x = { .preheader = "", .footer = "" };
	struct liquid *l = check_source(c, "html", html, LIQUID_HTML);
	int blind = html_images_without_alt(html, strlen(html));

	if (blind)
		content_problem(c, PROBLEM_WARNING, "html", NULL,
		    "%d image%s no alternative text (alt).", blind,
		    blind == 1 ? " has" : "s have");
	if (check_source(c, "preview_text", preheader, LIQUID_HTML))
		x.preheader = preheader;
	if (!l)
		return;
	x.pixel = c->mode == COMPOSE_SEND && c->src.campaign->track_opens;
	build_html(c, html, &x);
	c->has_html = true;
	if (c->part[PART_HTML].size > 102 * 1024)
		content_problem(c, PROBLEM_WARNING, "html", NULL,
		    "The HTML is larger than 102 KB: Gmail will cut it off.");
}

static bool is_template(const char *text)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "text");
	struct liquid_options o = { .escape = LIQUID_PLAIN, .known_filters = true };
	struct liquid_error error;
	struct liquid *l;

	return liquid_compile(tmp, text, strlen(text), &o, &l, &error) == OK;
}

/* No text: it is made from the HTML. */
static void compile_text(struct content *c, const char *html, char *text)
{
	struct content_shown shown;

	if (text && !check_source(c, "text", text, LIQUID_PLAIN))
		return;
	if (!text) {
		text = html_to_text(c, html, strlen(html));
		if (!is_template(text)) {
			if (c->part[PART_HTML].liquid)
				content_build_read(c);
			return;
		}
	}
	text = link_mark_text(c, text);
	content_build(c, PART_TEXT, text, LIQUID_PLAIN);
	if (!c->part[PART_TEXT].liquid)
		return;
	shown = content_shows(c, PART_TEXT);
	if (shown.link && shown.address)
		return;
	text = mem_printf(c, "%s%s\n-- \n%s%s", text, text_ends(text, "\n") ? "" : "\n",
	    shown.address ? "" : "{{ postal_address }}\n",
	    shown.link ? "" : "Unsubscribe: {{ unsubscribe_url }}\n");
	c->part[PART_TEXT] = (struct part){ 0 };
	content_build(c, PART_TEXT, text, LIQUID_PLAIN);
}

static const char *list_id(struct content *c)
{
	const char *at = strrchr(c->from_email, '@'), *name = c->brand.name;
	const char *domain = at ? address_domain(c, at + 1) : NULL;
	bool plain = !text_empty(name);

	for (const char *s = name; s && *s; s++)
		plain = plain && *s >= 0x20 && *s < 0x7f && *s != '"' && *s != '\\';
	return mem_printf(c, "%s%s%s<brand-%lld.%s>", plain ? "\"" : "",
	    plain ? name : "", plain ? "\" " : "", (long long)c->brand_id,
	    domain ? domain : "invalid");
}

static void take_sender(struct content *c, const struct compose_source *src)
{
	const struct campaign *k = src->campaign;
	const struct brand *b = src->brand;

	c->from_email =
	    mem_str(c, text_empty(k->from_email) ? b->from_email : k->from_email);
	c->from_name =
	    mem_str(c, text_empty(k->from_name) ? b->from_name : k->from_name);
	c->reply_to = mem_str(c, text_empty(k->reply_to) ? b->reply_to : k->reply_to);
	if (!c->from_email)
		c->from_email = "";
	if (!c->reply_to)
		c->reply_to = "";
	if (text_empty(c->from_email))
		content_problem(c, PROBLEM_ERROR, "from_email", NULL,
		    "Choose the address this campaign is sent from.");
	if (text_empty(b->postal_address))
		content_problem(c, PROBLEM_WARNING, "postal_address", NULL,
		    "The brand has no postal address: the law of many countries asks "
		    "for one.");
	c->from = message_address(c, c->from_name, c->from_email);
	c->list_id = list_id(c);
}

static struct content *content_new(void *mem, const struct compose_source *src)
{
	struct content *c = mem_new(mem, struct content);

	c->src = *src;
	c->public_url = mem_str(c, src->public_url ? src->public_url : "");
	c->signer = token_signer_new(c, src->keys);
	c->mode = src->mode;
	c->campaign_id = src->campaign->id;
	c->brand_id = src->brand->id;
	c->now = src->now;
	c->brand = (struct brand){
		.id = src->brand->id,
		.name = mem_str(c, src->brand->name),
		.postal_address = mem_str(c, src->brand->postal_address),
		.time_zone = mem_str(c, src->brand->time_zone),
	};
	c->campaign_name = mem_str(c, src->campaign->name);
	c->now_text = time_rfc3339(c, c->now);
	c->today = time_local(c, c->now, c->brand.time_zone, "%Y-%m-%d");
	for (size_t i = 0; i < src->nknown; i++) {
		c->links = mem_resize(c, c->links, (i + 1) * sizeof(*c->links));
		c->links[c->nlinks++] = (struct compose_link){ src->known[i].number,
			mem_str(c, src->known[i].url),
			mem_str(c, src->known[i].label) };
	}
	return c;
}

enum err content_compile(void *mem, const struct compose_source *src,
    struct content **out)
{
	struct content *c = content_new(mem, src);
	char *html = author_text(c, src->campaign->html, true);
	char *text = author_text(c, src->campaign->text, false);

	take_sender(c, src);
	compile_subject(c);
	if (text_empty(text_trim(c, html)) && text_empty(text_trim(c, text)))
		content_problem(c, PROBLEM_ERROR, "html", NULL, "Write the content.");
	else if (!text_empty(text_trim(c, html)))
		compile_html(c, html);
	compile_text(c, html, text_empty(text_trim(c, text)) ? NULL : text);
	c->src = (struct compose_source){ 0 };
	*out = c;
	return c->failed ? ERR_INVALID : OK;
}

size_t content_problems(const struct content *c, const struct compose_problem **out)
{
	*out = c->problems;
	return c->nproblems;
}

size_t content_links(const struct content *c, const struct compose_link **out)
{
	*out = c->links;
	return c->nlinks;
}
