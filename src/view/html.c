#include "view/html.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "view/html_mask.h"
#include "view/html_tree.h"
#include "view/liquid.h"

#define MOST_DEPTH 512
#define MOST_LABEL 200

static void *take(void *mem, size_t n)
{
	return mem_resize(mem, NULL, n);
}

static void give(void *mem, void *p)
{
	(void)mem;
	mem_free(p);
}

static enum err parse(struct tree *t, void *mem, const char *html, size_t len,
    bool masks)
{
	GumboOptions o = kGumboDefaultOptions;

	t->mem = mem;
	t->source = html;
	if (len > UINT32_MAX / 2 || html_depth(html, len) > MOST_DEPTH)
		return ERR_INVALID;
	t->masked = masks ? html_mask(mem, html, len) : mem_strn(mem, html, len);
	o.allocator = take;
	o.deallocator = give;
	o.userdata = mem;
	o.max_errors = 0;
	t->root = gumbo_parse_with_options(&o, t->masked, len)->document;
	return OK;
}

enum err tree_read(struct tree *t, void *mem, const char *html, size_t len)
{
	return parse(t, mem, html, len, true);
}

enum err tree_read_mail(struct tree *t, void *mem, const char *html, size_t len)
{
	return parse(t, mem, html, len, false);
}

const GumboVector *tree_children(const GumboNode *n)
{
	if (n->type == GUMBO_NODE_DOCUMENT)
		return &n->v.document.children;
	if (n->type == GUMBO_NODE_ELEMENT || n->type == GUMBO_NODE_TEMPLATE)
		return &n->v.element.children;
	return NULL;
}

const GumboNode *tree_after(const GumboNode *n, const GumboNode *top, bool inside)
{
	const GumboVector *v = inside ? tree_children(n) : NULL;

	if (v && v->length)
		return v->data[0];
	while (n != top) {
		v = tree_children(n->parent);
		if (n->index_within_parent + 1 < v->length)
			return v->data[n->index_within_parent + 1];
		n = n->parent;
	}
	return NULL;
}

bool tree_is(const GumboNode *n, GumboTag tag)
{
	return n->type == GUMBO_NODE_ELEMENT && n->v.element.tag == tag;
}

const GumboAttribute *tree_attribute(const GumboNode *n, const char *name)
{
	return gumbo_get_attribute(&n->v.element.attributes, name);
}

static char *written(const struct tree *t, const char *read, GumboStringPiece original,
    char brace)
{
	if (!original.data)
		return mem_str(t->mem, read);
	return html_unmask(t->mem, read, t->source + (original.data - t->masked),
	    original.length, brace);
}

char *tree_text(const struct tree *t, const GumboNode *n, char brace)
{
	return written(t, n->v.text.text, n->v.text.original_text, brace);
}

char *tree_value(const struct tree *t, const GumboAttribute *a, char brace)
{
	return written(t, a->value, a->original_value, brace);
}

bool tree_is_hidden(const GumboNode *n)
{
	const GumboAttribute *style = tree_attribute(n, "style");
	char flat[400];
	size_t len = 0;

	switch (n->v.element.tag) {
	case GUMBO_TAG_HEAD:
	case GUMBO_TAG_SCRIPT:
	case GUMBO_TAG_STYLE:
	case GUMBO_TAG_TITLE:
	case GUMBO_TAG_TEMPLATE:
	case GUMBO_TAG_NOSCRIPT: return true;
	default: break;
	}
	if (tree_attribute(n, "hidden"))
		return true;
	for (const char *s = style ? style->value : ""; *s && len + 1 < sizeof flat;
	     s++)
		if ((unsigned char)*s > ' ')
			flat[len++] = (char)(*s >= 'A' && *s <= 'Z' ? *s + 32 : *s);
	flat[len] = '\0';
	return strstr(flat, "display:none") || strstr(flat, "visibility:hidden");
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

const char *tree_label(const struct tree *t, const GumboNode *a)
{
	struct buf *b = buf_new(t->mem);
	const GumboAttribute *alt;
	const GumboNode *n;

	for (n = tree_after(a, a, true); n; n = tree_after(n, a, true)) {
		if (n->type == GUMBO_NODE_TEXT || n->type == GUMBO_NODE_WHITESPACE)
			add_label(b, tree_text(t, n, '{'));
		else if (tree_is(n, GUMBO_TAG_IMG) && (alt = tree_attribute(n, "alt")))
			add_label(b, tree_value(t, alt, '{'));
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

struct links {
	void *mem; /* of the result */
	struct html_link *all;
	size_t n;
	size_t base; /* where the source of this tree begins in the whole */
	int lines;   /* line ends before it */
};

/* Links of a mail: a and area, and the shapes that Outlook draws (v:roundrect ...). */
static bool can_link(const GumboNode *n)
{
	GumboStringPiece tag;

	if (tree_is(n, GUMBO_TAG_A) || tree_is(n, GUMBO_TAG_AREA))
		return true;
	if (!tree_is(n, GUMBO_TAG_UNKNOWN))
		return false;
	tag = n->v.element.original_tag;
	return tag.length > 3 && strncasecmp(tag.data, "<v:", 3) == 0;
}

static void add_link(struct links *l, const struct tree *t, const GumboNode *n)
{
	const GumboAttribute *href = tree_attribute(n, "href");
	struct html_link *link;

	if (!href || !href->original_value.data)
		return;
	if ((l->n & (l->n - 1)) == 0) /* doubles */
		l->all =
		    mem_resize(l->mem, l->all, (l->n ? 2 * l->n : 1) * sizeof *l->all);
	link = &l->all[l->n++];
	*link = (struct html_link){
		.line = l->lines + (int)n->v.element.start_pos.line,
	};
	value_range(t, href, link);
	link->start += l->base;
	link->end += l->base;
	link->url = mem_str(l->mem, tree_value(t, href, LIQUID_BRACE));
	link->label = mem_str(l->mem, tree_label(t, n));
}

/* What a comment holds for Outlook: "<!--[if mso]>" ... "<![endif]-->". */
static bool outlook_part(const struct tree *t, const GumboNode *n, size_t *from,
    size_t *to)
{
	GumboStringPiece whole = n->v.text.original_text;
	const char *s, *close;

	if (whole.length < 8 || strncasecmp(whole.data, "<!--[if", 7) != 0)
		return false;
	s = t->source + (whole.data - t->masked);
	close = memchr(s, ']', whole.length);
	if (!close)
		return false;
	*from = (size_t)(close + 1 - t->source);
	*to = (size_t)(s - t->source) + whole.length;
	*from += t->source[*from] == '>';
	return *from < *to;
}

static enum err read_links(struct links *l, void *tmp, const char *html, size_t len,
    bool outer);

static enum err outlook_links(struct links *l, const struct tree *t, const GumboNode *n)
{
	struct links inner = *l;
	size_t from, to;
	enum err e;

	if (!outlook_part(t, n, &from, &to))
		return OK;
	inner.base = l->base + from;
	for (size_t i = 0; i < from; i++)
		inner.lines += t->source[i] == '\n';
	e = read_links(&inner, t->mem, t->source + from, to - from, false);
	l->all = inner.all;
	l->n = inner.n;
	return e;
}

static enum err read_links(struct links *l, void *tmp, const char *html, size_t len,
    bool outer)
{
	const GumboNode *n;
	struct tree t;
	enum err e = tree_read(&t, tmp, html, len);

	for (n = e == OK ? t.root : NULL; n && e == OK;
	     n = tree_after(n, t.root, true)) {
		if (can_link(n))
			add_link(l, &t, n);
		else if (n->type == GUMBO_NODE_COMMENT && outer)
			e = outlook_links(l, &t, n);
	}
	return e;
}

enum err html_links(void *mem, const char *html, size_t len, struct html_link **out,
    size_t *n)
{
	MEM_SCOPE void *tmp = mem_scope(mem, "html");
	struct links l = { .mem = mem };
	enum err e = read_links(&l, tmp, html, len, true);

	*out = e == OK ? l.all : NULL;
	*n = e == OK ? in_order(l.all, l.n) : 0;
	return e;
}

/* ---- small questions ------------------------------------------------------------- */

/* Behind the comment that begins at s, or NULL when none does. */
static const char *skip_comment(const char *s, const char *end)
{
	const char *close;

	if (end - s < 4 || memcmp(s, "<!--", 4) != 0)
		return NULL;
	if (end - s > 4 && s[4] == '>')
		return s + 5;
	close = memmem(s + 2, (size_t)(end - s) - 2, "-->", 3);
	return close ? close + 3 : end;
}

/* The last place of a tag outside of comments, or NULL. */
static const char *last_tag(const char *html, size_t len, const char *tag)
{
	const char *s = html, *end = html + len, *found = NULL, *behind;

	while ((s = memchr(s, '<', (size_t)(end - s)))) {
		behind = skip_comment(s, end);
		if (behind) {
			s = behind;
			continue;
		}
		if ((size_t)(end - s) >= 6 && strncasecmp(s, tag, 6) == 0)
			found = s;
		s++;
	}
	return found;
}

size_t html_body_end(const char *html, size_t len)
{
	const char *at = last_tag(html, len, "</body");

	if (!at)
		at = last_tag(html, len, "</html");
	return at ? (size_t)(at - html) : len;
}

int html_images_without_alt(const char *html, size_t len)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "html");
	const GumboNode *at;
	struct tree t;
	int n = 0;

	if (tree_read(&t, tmp, html, len) != OK)
		return 0;
	for (at = t.root; at; at = tree_after(at, t.root, true))
		n += tree_is(at, GUMBO_TAG_IMG) && !tree_attribute(at, "alt");
	return n;
}
