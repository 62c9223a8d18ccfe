#include <string.h>

#include "base/mem.h"
#include "view/html.h"
#include "view/html_tree.h"
#include "view/liquid.h"

#define MOST_NUMBERED 2000 /* counting them takes time with their square */

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

/*
 * Bytes of a character that nobody sees and that only fills a hidden line; a joiner
 * counts as one where it joins nothing.
 */
static size_t unseen(const struct writer *w, const char *s)
{
	static const char *const fillers[] = { "\xcd\x8f", "\xc2\xad", "\xe2\x80\x8b",
		"\xef\xbb\xbf", "\xe2\x81\xa0", "\xe2\x80\x8c", "\xe2\x80\x8d" };
	size_t n = sizeof fillers / sizeof fillers[0];

	if (!w->space && !w->lines && w->out->len)
		n -= 2; /* behind a letter the last two may join */
	for (size_t i = 0; i < n; i++)
		if (strncmp(s, fillers[i], strlen(fillers[i])) == 0)
			return strlen(fillers[i]);
	return 0;
}

static void write_text(struct writer *w, const char *s)
{
	size_t skip;

	for (; *s; s++) {
		if ((*s & 0x80) && (skip = unseen(w, s))) {
			s += skip - 1;
			continue;
		}
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
	if (tree_is_hidden(n))
		return HIDDEN;
	switch (n->v.element.tag) {
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
	const GumboVector *v = tree_children(li->parent);
	unsigned int i;
	int n = 0;

	for (i = 0; i <= li->index_within_parent && i < v->length; i++)
		n += tree_is(v->data[i], GUMBO_TAG_LI);
	return n;
}

static void enter(struct writer *w, const GumboNode *n)
{
	enum layout layout = layout_of(n);
	const GumboAttribute *alt;

	if (layout != INLINE)
		due(w, layout == PARAGRAPH ? 2 : 1);
	if (tree_is(n, GUMBO_TAG_BR)) {
		w->lines++;
		w->space = false;
	} else if (tree_is(n, GUMBO_TAG_LI)) {
		before_word(w);
		if (tree_is(n->parent, GUMBO_TAG_OL) &&
		    n->index_within_parent < MOST_NUMBERED)
			buf_printf(w->out, "%d. ", place_in_list(n));
		else
			buf_str(w->out, "- ");
	} else if (tree_is(n, GUMBO_TAG_HR)) {
		write_text(w, "---");
	} else if (tree_is(n, GUMBO_TAG_TD) || tree_is(n, GUMBO_TAG_TH)) {
		w->space = true;
	} else if (tree_is(n, GUMBO_TAG_IMG) && (alt = tree_attribute(n, "alt"))) {
		write_text(w, tree_value(w->tree, alt, LIQUID_BRACE));
	}
	w->pre += tree_is(n, GUMBO_TAG_PRE);
}

/* Is it an address just as it stands here, with nothing to fill in or to encode? */
static bool is_plain(const char *url)
{
	for (const char *s = url; *s; s++)
		if (*s <= ' ' || *s > '~' || strchr("\"<>", *s))
			return false;
	return !strstr(url, "{{") && !strstr(url, "{%");
}

static void put_address(struct writer *w, const char *url)
{
	before_word(w);
	if (is_plain(url))
		buf_str(w->out, url);
	else
		buf_printf(w->out, "%c%s%c0%c", LIQUID_ADDRESS, url, LIQUID_ADDRESS_END,
		    LIQUID_ADDRESS_END);
}

/* A link's address follows its label, unless it is the label or leads nowhere. */
static void write_address(struct writer *w, const GumboNode *n)
{
	const GumboAttribute *href = tree_attribute(n, "href");
	const char *url = href ? tree_value(w->tree, href, LIQUID_BRACE) : "";
	const char *label, *bare = strncmp(url, "mailto:", 7) == 0 ? url + 7 : url;

	if (!*url || *url == '#')
		return;
	label = tree_label(w->tree, n);
	if (strcmp(label, url) == 0 || strcmp(label, bare) == 0)
		return;
	if (!*label) {
		put_address(w, url);
		return;
	}
	w->space = w->out->len > 0;
	before_word(w);
	buf_char(w->out, '(');
	put_address(w, url);
	buf_char(w->out, ')');
}

static void leave(struct writer *w, const GumboNode *n)
{
	enum layout layout = layout_of(n);

	if (tree_is(n, GUMBO_TAG_A))
		write_address(w, n);
	w->pre -= tree_is(n, GUMBO_TAG_PRE);
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
			write_text(&w, tree_text(&t, n, LIQUID_BRACE));
		else if (n->type == GUMBO_NODE_COMMENT)
			write_tag(&w, n);
		else if (n->type == GUMBO_NODE_ELEMENT && inside)
			enter(&w, n);
		next = tree_after(n, t.root, inside);
		if (!next || next->parent != n)
			leave_up_to(&w, n, next);
	}
	if (w.out->len)
		buf_char(w.out, '\n');
	return mem_strn(mem, w.out->data, w.out->len);
}
