#include "send/compose_html.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "view/html.h"

/* Bytes [start, end) of the source become text. */
struct edit {
	size_t start, end;
	const char *text;
	int order; /* between edits at one place */
};
struct edits {
	struct edit *list;
	size_t n;
};

/* Behind a comment that begins at s, or NULL when none does. */
static const char *skip_comment(const char *s)
{
	const char *end;

	if (strncmp(s, "<!--", 4) != 0)
		return NULL;
	end = strstr(s + 4, "-->");
	return end ? end + 3 : s + strlen(s);
}

static size_t tag_end(const char *html, size_t at, size_t len)
{
	char quote = 0;

	for (; at < len; at++) {
		if (quote)
			quote = html[at] == quote ? 0 : quote;
		else if (html[at] == '"' || html[at] == '\'')
			quote = html[at];
		else if (html[at] == '>')
			return at + 1;
	}
	return 0;
}

size_t html_body_start(const char *html, size_t len)
{
	const char *s = html;

	while ((s = strchr(s, '<'))) {
		const char *behind = skip_comment(s);

		if (behind) {
			s = behind;
			continue;
		}
		if (strncasecmp(s, "<body", 5) == 0 && !isalnum((unsigned char)s[5]))
			return tag_end(html, (size_t)(s - html), len);
		s++;
	}
	return 0;
}

static void edit_add(struct content *c, struct edits *es, struct edit e)
{
	es->list = mem_resize(c, es->list, (es->n + 1) * sizeof(e));
	e.order = (int)es->n;
	es->list[es->n++] = e;
}

static int by_place(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->order - y->order;
}

static char *apply(void *mem, const char *html, size_t len, struct edits *es)
{
	struct buf *b = buf_new(mem);
	size_t at = 0;

	if (es->n)
		qsort(es->list, es->n, sizeof(*es->list), by_place);
	for (size_t i = 0; i < es->n; i++) {
		if (es->list[i].start < at) /* inside another: cannot be */
			continue;
		buf_add(b, html + at, es->list[i].start - at);
		buf_str(b, es->list[i].text);
		at = es->list[i].end;
	}
	buf_add(b, html + at, len - at);
	return b->data;
}

/* ---- links ---- */
static bool has_scheme(const char *url)
{
	const char *s = url;

	while (isalnum((unsigned char)*s) || *s == '+' || *s == '-' || *s == '.')
		s++;
	return s > url && *s == ':';
}

/*
 * A link with merge tags can be followed later only if its names are the recipient's
 * own: one made of a loop's variable means nothing outside of the loop.
 */
static bool can_render_later(struct content *c, const char *url)
{
	struct liquid_options o = { .escape = LIQUID_PLAIN };
	struct liquid_error error;
	struct liquid *l;
	const char **names;
	size_t n;
	MEM_SCOPE void *tmp = mem_scope(NULL, "link");

	if (liquid_compile(tmp, url, strlen(url), &o, &l, &error) != OK)
		return false;
	n = liquid_names(l, tmp, &names);
	for (size_t i = 0; i < n; i++)
		if (!content_knows(c, names[i]) ||
		    text_equal(names[i], "unsubscribe_url"))
			return false;
	return true;
}

/* NULL: leave the link as it is. */
static char *tracked_url(struct content *c, const struct html_link *l)
{
	char *url = text_trim(c, l->url);
	bool merged = strstr(url, "{{") || strstr(url, "{%");
	struct liquid_error at = { .line = l->line };
	bool http =
	    strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;

	if (text_empty(url))
		content_problem(c, PROBLEM_WARNING, "html", &at,
		    "A link leads nowhere.");
	else if (!http && !merged && *url != '#' && !has_scheme(url))
		content_problem(c, PROBLEM_WARNING, "html", &at,
		    "The link \"%.100s\" needs to begin with https://.", url);
	if ((!http && !(merged && *url == '{')) || strstr(url, "unsubscribe_url"))
		return NULL;
	if (strlen(url) > 8000 || (merged && !can_render_later(c, url)))
		return NULL;
	return url;
}

static int link_number(struct content *c, const char *url, const char *label)
{
	int next = 1;

	for (size_t i = 0; i < c->nlinks; i++) {
		if (strcmp(c->links[i].url, url) == 0)
			return c->links[i].number;
		if (c->links[i].number >= next)
			next = c->links[i].number + 1;
	}
	c->links = mem_resize(c, c->links, (c->nlinks + 1) * sizeof(*c->links));
	c->links[c->nlinks++] = (struct compose_link){
		.number = next,
		.url = mem_str(c, url),
		.label = mem_str(c, label),
	};
	return next;
}

static void add_links(struct content *c, struct edits *es, const char *html, size_t len)
{
	bool track = c->mode == COMPOSE_SEND && c->src.campaign->track_clicks;
	struct html_link *links;
	size_t n;

	if (html_links(c, html, len, &links, &n) != OK)
		return;
	for (size_t i = 0; i < n; i++) {
		const char *url = tracked_url(c, &links[i]);

		if (track && url && links[i].end > links[i].start)
			edit_add(c, es,
			    (struct edit){ links[i].start, links[i].end,
				mem_printf(c, "%cc%d%c", MARK,
				    link_number(c, url, links[i].label), MARK),
				0 });
	}
}

/* Shown beside the subject in a list of mails, never in the mail itself. */
static const char preheader[] =
    "<div style=\"display:none;max-height:0;overflow:hidden;mso-hide:all\">%s</div>";

char *html_prepare(struct content *c, void *mem, const char *html,
    const struct html_extra *x)
{
	size_t len = strlen(html), start = html_body_start(html, len);
	size_t end = html_body_end(html, len);
	struct edits es = { 0 };

	if (end < start)
		end = len;
	add_links(c, &es, html, len);
	if (!text_empty(x->preheader))
		edit_add(c, &es,
		    (struct edit){ start, start, mem_printf(c, preheader, x->preheader),
			0 });
	if (!text_empty(x->footer))
		edit_add(c, &es, (struct edit){ end, end, x->footer, 0 });
	if (x->pixel)
		edit_add(c, &es,
		    (struct edit){ end, end,
			mem_printf(c,
			    "<img src=\"%co%c\" width=\"1\" height=\"1\" alt=\"\" "
			    "style=\"border:0;width:1px;height:1px\">",
			    MARK, MARK),
			0 });
	return apply(mem, html, len, &es);
}
