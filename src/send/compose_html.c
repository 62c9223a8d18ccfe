#include "send/compose_html.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "send/compose_source.h"
#include "send/link.h"
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

/* The link as stored before: it was not always kept in ASCII. */
static bool is_link(struct content *c, size_t i, const char *url)
{
	const char *stored = c->links[i].url, *ascii;

	if (strcmp(stored, url) == 0)
		return true;
	if (i >= c->src.nknown || link_is_merged(stored))
		return false;
	ascii = link_ascii(c, stored);
	return ascii && strcmp(ascii, url) == 0;
}

static int link_number(struct content *c, const char *url, const char *label)
{
	int next = 1;

	for (size_t i = 0; i < c->nlinks; i++) {
		if (is_link(c, i, url))
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

const char *content_link_url(const struct content *c, int number)
{
	for (size_t i = 0; i < c->nlinks; i++)
		if (c->links[i].number == number)
			return c->links[i].url;
	return NULL;
}

/* What stands between the tags, fit for an attribute in either quotes. */
static char *quoted(struct content *c, const char *url)
{
	struct buf *b = buf_new(c);
	char inside = 0;

	for (const char *s = url; *s; s++) {
		if (!inside && s[0] == '{' && (s[1] == '{' || s[1] == '%'))
			inside = s[1] == '{' ? '}' : '%';
		if (!inside && strchr("\"'<>", *s))
			buf_printf(b, "%%%02X", (unsigned)*s);
		else
			buf_char(b, *s);
		if (inside && *s == '}' && s > url && s[-1] == inside)
			inside = 0;
	}
	return b->data;
}

/* An address with values: rendered for each recipient. */
static const char *merged_link(struct content *c, const char *url, bool track,
    const char *label)
{
	bool ours = strstr(url, "unsubscribe_url") != NULL;
	int number = track && !ours ? link_number(c, url, label) : 0;

	if (ours && strncmp(url, "{{", 2) == 0)
		return quoted(c, url); /* as the author wrote it, or meant it */
	return mem_printf(c, "%c%s%c%d%c", LIQUID_ADDRESS, quoted(c, url),
	    LIQUID_ADDRESS_END, number, LIQUID_ADDRESS_END);
}

/* The beginning of a long link, in whole characters. */
static const char *shown(struct content *c, const char *url)
{
	size_t n = strnlen(url, 100);

	while (n == 100 && ((unsigned char)url[n] & 0xc0) == 0x80)
		n++;
	return mem_strn(c, url, n);
}

/* What the link's attribute becomes; NULL: it stays as it is. */
static const char *link_becomes(struct content *c, const struct html_link *l,
    bool track)
{
	char *url = link_trim(c, l->url), *ascii;
	enum link_kind kind = link_kind(url);
	struct liquid_error at = { .line = l->line };

	if (!*url || strcmp(url, "#") == 0)
		content_problem(c, PROBLEM_WARNING, "html", &at,
		    "A link leads nowhere.");
	else if (kind == LINK_RELATIVE)
		content_problem(c, PROBLEM_WARNING, "html", &at,
		    "The link \"%s\" needs to begin with https://.", shown(c, url));
	if ((kind != LINK_WEB && kind != LINK_MERGED) || strlen(url) > 8000)
		return NULL;
	if (link_is_merged(url))
		return merged_link(c, url, track, l->label);
	ascii = link_ascii(c, url);
	if (!ascii)
		content_problem(c, PROBLEM_WARNING, "html", &at,
		    "The link \"%s\" is no address that can be opened.", shown(c, url));
	if (!ascii || !track)
		return NULL;
	return mem_printf(c, "%cc%d%c", MARK, link_number(c, ascii, l->label), MARK);
}

static void add_links(struct content *c, struct edits *es, const char *html, size_t len)
{
	bool track = c->mode == COMPOSE_SEND && c->src.campaign->track_clicks;
	struct html_link *links;
	size_t n;

	if (html_links(c, html, len, &links, &n) != OK)
		return;
	for (size_t i = 0; i < n; i++) {
		const char *becomes = link_becomes(c, &links[i], track);

		if (becomes && links[i].end > links[i].start)
			edit_add(c, es,
			    (struct edit){ links[i].start, links[i].end, becomes, 0 });
	}
}

/* Shown beside the subject in a list of mails, never in the mail itself. */
static const char preheader[] =
    "<div style=\"display:none;max-height:0;overflow:hidden;mso-hide:all\">%s</div>";

char *html_preheader(struct content *c, const char *text)
{
	struct buf *b = buf_new(c);
	size_t n;

	for (const char *s = text; *s; s += n) {
		n = compose_tag_length(s);
		if (n) {
			buf_add(b, s, n);
		} else {
			n = 1;
			html_escape(b, s, 1);
		}
	}
	return b->data;
}

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
