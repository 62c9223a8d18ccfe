#include "view/html_see.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "view/html_tree.h"

struct seeing {
	void *mem;
	const struct tree *tree;
	struct buf *text;
	struct html_seen *out;
};

static void see_text(struct seeing *s, const char *text)
{
	struct buf *b = s->text;

	for (; *text; text++) {
		bool space = strchr(" \t\r\n", *text) != NULL;

		if ((unsigned char)*text == 0xc2 && (unsigned char)text[1] == 0xa0) {
			space = true;
			text++;
		}
		if (!space)
			buf_char(b, *text);
		else if (b->len && b->data[b->len - 1] != ' ')
			buf_char(b, ' ');
	}
}

static const char *value(const struct seeing *s, const GumboNode *n, const char *name)
{
	const GumboAttribute *a = tree_attribute(n, name);

	return a ? mem_str(s->mem, a->value) : NULL;
}

static bool is_pixel(const struct seeing *s, const GumboNode *n)
{
	const char *width = value(s, n, "width"), *height = value(s, n, "height");

	return width && height && strcmp(width, "1") == 0 && strcmp(height, "1") == 0;
}

static void see_picture(struct seeing *s, const GumboNode *n)
{
	const char *src = value(s, n, "src"), *alt = value(s, n, "alt");

	if (is_pixel(s, n))
		return;
	s->out->pictures++;
	s->out->unnamed += alt == NULL;
	if (!src ||
	    (strncasecmp(src, "https://", 8) != 0 &&
		strncasecmp(src, "http://", 7) != 0))
		s->out->unreachable++;
	see_text(s, alt ? alt : "");
}

/* Is there a word or a picture in it to click at? */
static bool shows_something(const GumboNode *top)
{
	const GumboNode *n = tree_after(top, top, true);

	while (n) {
		bool element = n->type == GUMBO_NODE_ELEMENT;

		if (n->type == GUMBO_NODE_TEXT || tree_is(n, GUMBO_TAG_IMG))
			return true;
		n = tree_after(n, top, !element || !tree_is_hidden(n));
	}
	return false;
}

static void see_link(struct seeing *s, const GumboNode *n)
{
	const char *url = value(s, n, "href");
	struct html_seen *o = s->out;

	if (!url || !(tree_is(n, GUMBO_TAG_AREA) || shows_something(n)))
		return;
	o->links = mem_resize(s->mem, o->links, (o->nlinks + 1) * sizeof(*o->links));
	o->links[o->nlinks++] = url;
}

static void see_element(struct seeing *s, const GumboNode *n)
{
	switch (n->v.element.tag) {
	case GUMBO_TAG_IMG: see_picture(s, n); break;
	case GUMBO_TAG_A:
	case GUMBO_TAG_AREA: see_link(s, n); break;
	case GUMBO_TAG_FORM:
	case GUMBO_TAG_INPUT:
	case GUMBO_TAG_SELECT:
	case GUMBO_TAG_BUTTON: s->out->forms++; break;
	case GUMBO_TAG_SCRIPT:
	case GUMBO_TAG_IFRAME:
	case GUMBO_TAG_OBJECT:
	case GUMBO_TAG_EMBED: s->out->scripts++; break;
	case GUMBO_TAG_BR:
	case GUMBO_TAG_P:
	case GUMBO_TAG_DIV:
	case GUMBO_TAG_TD: see_text(s, " "); break;
	default: break;
	}
}

enum err html_see(void *mem, const char *html, size_t len, struct html_seen *out)
{
	MEM_SCOPE void *tmp = mem_scope(mem, "html");
	struct tree t;
	struct seeing s = { .mem = mem, .tree = &t, .text = buf_new(mem), .out = out };
	const GumboNode *n;
	enum err e = tree_read_mail(&t, tmp, html, len);

	*out = (struct html_seen){ .text = "" };
	for (n = e == OK ? t.root : NULL; n;) {
		bool element = n->type == GUMBO_NODE_ELEMENT;

		if (n->type == GUMBO_NODE_TEXT || n->type == GUMBO_NODE_WHITESPACE)
			see_text(&s, n->v.text.text);
		else if (element &&
		    (!tree_is_hidden(n) || tree_is(n, GUMBO_TAG_SCRIPT)))
			see_element(&s, n);
		n = tree_after(n, t.root, !element || !tree_is_hidden(n));
	}
	out->text = text_trim(mem, s.text->data);
	return e;
}

/* ---- what is never closed ---- */

/* Behind the end tag of that name, or NULL. */
static const char *behind_end(const char *s, const char *end, const char *name)
{
	size_t n = strlen(name);

	while ((s = memmem(s, (size_t)(end - s), "</", 2))) {
		s += 2;
		if ((size_t)(end - s) >= n && strncasecmp(s, name, n) == 0)
			return s + n;
	}
	return NULL;
}

/* What begins at s and hides up to its end; its name, or NULL. */
static const char *hiding(const char *s, const char *end)
{
	static const char *const names[] = { "style", "title", "textarea", "script" };

	if (end - s > 3 && memcmp(s, "<!--", 4) == 0)
		return "comment";
	for (size_t i = 0; i < 4; i++) {
		size_t n = strlen(names[i]);

		if ((size_t)(end - s) > n + 1 && strncasecmp(s + 1, names[i], n) == 0 &&
		    strchr("> \t\r\n/", s[n + 1]))
			return names[i];
	}
	return NULL;
}

const char *html_unclosed(const char *html, size_t len, int *line)
{
	const char *s = html, *end = html + len, *name, *close;

	while ((s = memchr(s, '<', (size_t)(end - s)))) {
		name = hiding(s, end);
		if (!name) {
			s++;
			continue;
		}
		if (strcmp(name, "comment") == 0) {
			close = s[4] == '>'
			    ? s + 5
			    : memmem(s + 2, (size_t)(end - s) - 2, "-->", 3);
		} else {
			close = behind_end(s, end, name);
		}
		if (!close) {
			*line = 1;
			for (const char *p = html; p < s; p++)
				*line += *p == '\n';
			return name;
		}
		s = close;
	}
	return NULL;
}
