#include "view/html.h"

#include <gumbo.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "view/html_mask.h"

#define MOST_DEPTH 512
#define MOST_LABEL 200
#define MOST_NUMBERED 2000 /* counting them takes time with their square */

/* An author's HTML as gumbo reads it; all of its memory belongs to `mem`. */
struct tree {
	void *mem;
	const char *source;
	char *masked;
	const GumboNode *root;
};

static void *take(void *mem, size_t n)
{
	return mem_resize(mem, NULL, n);
}

static void give(void *mem, void *p)
{
	(void)mem;
	mem_free(p);
}

static enum err tree_read(struct tree *t, void *mem, const char *html, size_t len)
{
	GumboOptions o = kGumboDefaultOptions;

	t->mem = mem;
	t->source = html;
	if (len > UINT32_MAX / 2 || html_depth(html, len) > MOST_DEPTH)
		return ERR_INVALID;
	t->masked = html_mask(mem, html, len);
	o.allocator = take;
	o.deallocator = give;
	o.userdata = mem;
	o.max_errors = 0;
	t->root = gumbo_parse_with_options(&o, t->masked, len)->document;
	return OK;
}

static const GumboVector *children(const GumboNode *n)
{
	if (n->type == GUMBO_NODE_DOCUMENT)
		return &n->v.document.children;
	if (n->type == GUMBO_NODE_ELEMENT || n->type == GUMBO_NODE_TEMPLATE)
		return &n->v.element.children;
	return NULL;
}

/*
 * The next node of the tree below `top`, in order, without recursion; NULL at the end.
 */
static const GumboNode *after(const GumboNode *n, const GumboNode *top, bool inside)
{
	const GumboVector *v = inside ? children(n) : NULL;

	if (v && v->length)
		return v->data[0];
	while (n != top) {
		v = children(n->parent);
		if (n->index_within_parent + 1 < v->length)
			return v->data[n->index_within_parent + 1];
		n = n->parent;
	}
	return NULL;
}

static bool is(const GumboNode *n, GumboTag tag)
{
	return n->type == GUMBO_NODE_ELEMENT && n->v.element.tag == tag;
}

static const GumboAttribute *attribute(const GumboNode *n, const char *name)
{
	return gumbo_get_attribute(&n->v.element.attributes, name);
}

/* What a text or value says, with the Liquid in it as it was written. */
static char *written(const struct tree *t, const char *read, GumboStringPiece original)
{
	if (!original.data)
		return mem_str(t->mem, read);
	return html_unmask(t->mem, read, t->source + (original.data - t->masked),
	    original.length);
}

static char *text_of(const struct tree *t, const GumboNode *n)
{
	return written(t, n->v.text.text, n->v.text.original_text);
}

static char *value_of(const struct tree *t, const GumboAttribute *a)
{
	return written(t, a->value, a->original_value);
}

/* ---- links ----------------------------------------------------------------------- */

/*
 * Adds a text with white space made single; at most MOST_LABEL bytes, whole characters.
 */
static void add_label(struct buf *b, const char *s)
{
	for (; *s && (b->len < MOST_LABEL || ((unsigned char)*s & 0xc0) == 0x80); s++) {
		bool space = strchr(" \t\r\n", *s) != NULL;

		if (!space)
			buf_char(b, *s);
		else if (b->len && b->data[b->len - 1] != ' ')
			buf_char(b, ' ');
	}
}

static const char *label_of(const struct tree *t, const GumboNode *a)
{
	struct buf *b = buf_new(t->mem);
	const GumboAttribute *alt;
	const GumboNode *n;

	for (n = after(a, a, true); n; n = after(n, a, true)) {
		if (n->type == GUMBO_NODE_TEXT || n->type == GUMBO_NODE_WHITESPACE)
			add_label(b, text_of(t, n));
		else if (is(n, GUMBO_TAG_IMG) && (alt = attribute(n, "alt")))
			add_label(b, value_of(t, alt));
	}
	while (b->len && b->data[b->len - 1] == ' ')
		buf_cut(b, b->len - 1);
	return b->data;
}

/* The bytes of the value in the source, without its quotes. */
static void value_range(const struct tree *t, const GumboAttribute *a,
    struct html_link *link)
{
	const char *s = a->original_value.data;
	size_t n = a->original_value.length;

	if (n >= 2 && (*s == '"' || *s == '\'')) {
		s++;
		n -= 2;
	}
	link->start = (size_t)(s - t->masked);
	link->end = link->start + n;
}

static int by_start(const void *pa, const void *pb)
{
	const struct html_link *a = pa, *b = pb;

	return (a->start > b->start) - (a->start < b->start);
}

/*
 * A parser repairs misnested HTML by moving and doubling elements: puts the links in
 * the order of the source, each once, with the longest of its labels.
 */
static size_t in_order(struct html_link *links, size_t count)
{
	size_t i, n = 0;

	if (count)
		qsort(links, count, sizeof *links, by_start);
	for (i = 0; i < count; i++) {
		if (n == 0 || links[n - 1].start != links[i].start)
			links[n++] = links[i];
		else if (strlen(links[i].label) > strlen(links[n - 1].label))
			links[n - 1].label = links[i].label;
	}
	return n;
}

enum err html_links(void *mem, const char *html, size_t len, struct html_link **out,
    size_t *n)
{
	MEM_SCOPE void *tmp = mem_scope(mem, "html");
	struct html_link *links = NULL;
	const GumboAttribute *href;
	const GumboNode *at;
	size_t count = 0;
	struct tree t;
	enum err e = tree_read(&t, tmp, html, len);

	*out = NULL;
	*n = 0;
	if (e != OK)
		return e;
	for (at = t.root; at; at = after(at, t.root, true)) {
		if (!is(at, GUMBO_TAG_A) && !is(at, GUMBO_TAG_AREA))
			continue;
		href = attribute(at, "href");
		if (!href || !href->original_value.data)
			continue;
		if ((count & (count - 1)) == 0) /* doubles */
			links = mem_resize(mem, links,
			    (count ? 2 * count : 1) * sizeof *links);
		links[count] =
		    (struct html_link){ .line = (int)at->v.element.start_pos.line };
		value_range(&t, href, &links[count]);
		links[count].url = mem_str(mem, value_of(&t, href));
		links[count++].label = mem_str(mem, label_of(&t, at));
	}
	*out = links;
	*n = in_order(links, count);
	return OK;
}

/* ---- small questions ------------------------------------------------------------- */

size_t html_body_end(const char *html, size_t len)
{
	static const char *const ends[] = { "</body", "</html" };
	size_t i, k;

	for (k = 0; k < 2; k++)
		for (i = len >= 6 ? len - 6 + 1 : 0; i > 0; i--)
			if (html[i - 1] == '<' &&
			    strncasecmp(html + i - 1, ends[k], 6) == 0)
				return i - 1;
	return len;
}

int html_images_without_alt(const char *html, size_t len)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "html");
	const GumboNode *at;
	struct tree t;
	int n = 0;

	if (tree_read(&t, tmp, html, len) != OK)
		return 0;
	for (at = t.root; at; at = after(at, t.root, true))
		n += is(at, GUMBO_TAG_IMG) && !attribute(at, "alt");
	return n;
}

/* ---- text alternative ------------------------------------------------------------ */

struct writer {
	struct buf *out;
	const struct tree *tree;
	int lines;  /* line ends to write before the next word */
	bool space; /* a space is due before the next word */
	int pre;    /* inside so many pre */
};

static void due(struct writer *w, int lines)
{
	if (w->lines < lines)
		w->lines = lines;
	w->space = false;
}

static void before_word(struct writer *w)
{
	int i;

	for (i = 0; w->out->len && i < w->lines; i++)
		buf_char(w->out, '\n');
	if (w->space && w->out->len && w->lines == 0)
		buf_char(w->out, ' ');
	w->lines = 0;
	w->space = false;
}

static void write_text(struct writer *w, const char *s)
{
	for (; *s; s++) {
		if (w->pre && *s == '\n') {
			w->lines++;
		} else if (!w->pre && strchr(" \t\r\n", *s)) {
			w->space = true;
		} else if ((unsigned char)*s == 0xc2 && (unsigned char)s[1] == 0xa0) {
			w->space = true; /* a no-break space */
			s++;
		} else {
			before_word(w);
			buf_char(w->out, *s);
		}
	}
}

enum layout { INLINE, LINE, PARAGRAPH, HIDDEN };

static enum layout layout_of(const GumboNode *n)
{
	switch (n->v.element.tag) {
	case GUMBO_TAG_HEAD:
	case GUMBO_TAG_SCRIPT:
	case GUMBO_TAG_STYLE:
	case GUMBO_TAG_TITLE:
	case GUMBO_TAG_TEMPLATE:
	case GUMBO_TAG_NOSCRIPT: return HIDDEN;
	case GUMBO_TAG_P:
	case GUMBO_TAG_H1:
	case GUMBO_TAG_H2:
	case GUMBO_TAG_H3:
	case GUMBO_TAG_H4:
	case GUMBO_TAG_H5:
	case GUMBO_TAG_H6:
	case GUMBO_TAG_UL:
	case GUMBO_TAG_OL:
	case GUMBO_TAG_TABLE:
	case GUMBO_TAG_BLOCKQUOTE:
	case GUMBO_TAG_PRE:
	case GUMBO_TAG_HR: return PARAGRAPH;
	case GUMBO_TAG_DIV:
	case GUMBO_TAG_TR:
	case GUMBO_TAG_LI:
	case GUMBO_TAG_SECTION:
	case GUMBO_TAG_ARTICLE:
	case GUMBO_TAG_HEADER:
	case GUMBO_TAG_FOOTER:
	case GUMBO_TAG_DT:
	case GUMBO_TAG_DD:
	case GUMBO_TAG_CENTER:
	case GUMBO_TAG_ADDRESS: return LINE;
	default: return INLINE;
	}
}

static int place_in_list(const GumboNode *li)
{
	const GumboVector *v = children(li->parent);
	unsigned int i;
	int n = 0;

	for (i = 0; i <= li->index_within_parent && i < v->length; i++)
		n += is(v->data[i], GUMBO_TAG_LI);
	return n;
}

static void enter(struct writer *w, const GumboNode *n)
{
	enum layout layout = layout_of(n);
	const GumboAttribute *alt;

	if (layout != INLINE)
		due(w, layout == PARAGRAPH ? 2 : 1);
	if (is(n, GUMBO_TAG_BR)) {
		w->lines++;
		w->space = false;
	} else if (is(n, GUMBO_TAG_LI)) {
		before_word(w);
		if (is(n->parent, GUMBO_TAG_OL) &&
		    n->index_within_parent < MOST_NUMBERED)
			buf_printf(w->out, "%d. ", place_in_list(n));
		else
			buf_str(w->out, "- ");
	} else if (is(n, GUMBO_TAG_HR)) {
		write_text(w, "---");
	} else if (is(n, GUMBO_TAG_TD) || is(n, GUMBO_TAG_TH)) {
		w->space = true;
	} else if (is(n, GUMBO_TAG_IMG) && (alt = attribute(n, "alt"))) {
		write_text(w, value_of(w->tree, alt));
	}
	w->pre += is(n, GUMBO_TAG_PRE);
}

/* A link's address follows its label, unless it is the label or leads nowhere. */
static void write_address(struct writer *w, const GumboNode *n)
{
	const GumboAttribute *href = attribute(n, "href");
	const char *url = href ? value_of(w->tree, href) : "";
	const char *label, *bare = strncmp(url, "mailto:", 7) == 0 ? url + 7 : url;

	if (!*url || *url == '#')
		return;
	label = label_of(w->tree, n);
	if (strcmp(label, url) == 0 || strcmp(label, bare) == 0)
		return;
	if (*label)
		buf_printf(w->out, " (%s)", url);
	else
		write_text(w, url);
}

static void leave(struct writer *w, const GumboNode *n)
{
	enum layout layout = layout_of(n);

	if (is(n, GUMBO_TAG_A))
		write_address(w, n);
	w->pre -= is(n, GUMBO_TAG_PRE);
	if (layout == LINE || layout == PARAGRAPH)
		due(w, layout == PARAGRAPH ? 2 : 1);
}

/* A comment that stands for {% ... %}: the tag stays in the text, where it was. */
static void write_tag(struct writer *w, const GumboNode *n)
{
	size_t at = (size_t)(n->v.text.original_text.data - w->tree->masked);

	if (strncmp(w->tree->source + at, "{%", 2) != 0)
		return;
	before_word(w);
	buf_add(w->out, w->tree->source + at, n->v.text.original_text.length);
}

/* Leaves the elements that end between `n` and the node after it. */
static void leave_up_to(struct writer *w, const GumboNode *n, const GumboNode *next)
{
	const GumboNode *p = n, *parent = next ? next->parent : NULL;

	for (; p && p != parent; p = p->parent)
		if (p->type == GUMBO_NODE_ELEMENT && layout_of(p) != HIDDEN)
			leave(w, p);
}

char *html_to_text(void *mem, const char *html, size_t len)
{
	MEM_SCOPE void *tmp = mem_scope(mem, "html");
	struct tree t;
	struct writer w = { .out = buf_new(tmp), .tree = &t };
	const GumboNode *n, *next;
	bool inside;

	if (tree_read(&t, tmp, html, len) != OK)
		return mem_str(mem, "");
	for (n = t.root; n; n = next) {
		inside = n->type != GUMBO_NODE_ELEMENT || layout_of(n) != HIDDEN;
		if (n->type == GUMBO_NODE_TEXT || n->type == GUMBO_NODE_WHITESPACE)
			write_text(&w, text_of(&t, n));
		else if (n->type == GUMBO_NODE_COMMENT)
			write_tag(&w, n);
		else if (n->type == GUMBO_NODE_ELEMENT && inside)
			enter(&w, n);
		next = after(n, t.root, inside);
		if (!next || next->parent != n)
			leave_up_to(&w, n, next);
	}
	if (w.out->len)
		buf_char(w.out, '\n');
	return mem_strn(mem, w.out->data, w.out->len);
}
