#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "send/compose_html.h"
#include "send/link.h"

/* A compiled template becomes a list of pieces, cut at the marks of its static text. */

static const char *const part_names[PARTS] = { "subject", "html", "text" };

struct building {
	struct content *c;
	struct part *part;
	struct piece *link; /* behind LIQUID_ADDRESS: what it becomes */
	bool closing;       /* behind LIQUID_ADDRESS_END: the number is read */
};

static struct piece *piece_new(struct content *c, struct piece **list, size_t *n,
    enum piece_kind kind)
{
	*list = mem_resize(c, *list, (*n + 1) * sizeof(**list));
	(*list)[*n] = (struct piece){ .kind = kind };
	return &(*list)[(*n)++];
}

/* The next piece: of the link that is open, else of the part. */
static struct piece *piece_add(struct building *x, enum piece_kind kind)
{
	if (x->link)
		return piece_new(x->c, &x->link->inner, &x->link->ninner, kind);
	return piece_new(x->c, &x->part->pieces, &x->part->n, kind);
}

static void add_static(struct building *x, const char *s, size_t len)
{
	struct piece *pc;
	struct buf *b;
	char *text;

	if (!len)
		return;
	pc = piece_add(x, PIECE_STATIC);
	text = mem_strn(x->c, s, len);
	for (size_t i = 0; i < len; i++)
		if (text[i] == LIQUID_BRACE)
			text[i] = '{';
	b = buf_new(x->c);
	json_escape(b, text, len);
	pc->text = text;
	pc->len = len;
	pc->json = b->data;
	pc->json_len = b->len;
	x->part->size += b->len;
}

/* The link is whole: without values its address is known now. */
static void end_link(struct building *x, const char *number, size_t len)
{
	struct piece *link = x->link;
	const char *text;

	x->link = NULL;
	x->closing = false;
	link->n = (int)strtol(mem_strn(x->c, number, len), NULL, 10);
	link->text = content_link_url(x->c, link->n);
	if (link->ninner != 1 || link->inner->kind != PIECE_STATIC || link->n)
		return;
	text = link_ascii(x->c, link->inner->text);
	if (!text)
		text = link->inner->text;
	x->part->n--;
	add_static(x, text, strlen(text));
}

/* Static text of the template, cut at its marks. */
static void add_marked(struct building *x, const char *s, size_t len)
{
	const char *end = s + len, *at, *close;

	for (; s < end; s = close + 1) {
		for (at = s;
		     at < end && (!content_is_mark(*at) || *at == LIQUID_BRACE);)
			at++;
		close = at;
		if (x->closing) {
			end_link(x, s, (size_t)(at - s));
			continue;
		}
		add_static(x, s, (size_t)(at - s));
		if (at == end)
			return;
		if (*at == LIQUID_ADDRESS) {
			x->link = piece_add(x, PIECE_LINK);
		} else if (*at == LIQUID_ADDRESS_END) {
			x->closing = x->link != NULL;
		} else {
			close = memchr(at + 1, MARK, (size_t)(end - at - 1));
			piece_add(x, at[1] == 'o' ? PIECE_PIXEL : PIECE_CLICK)->n =
			    (int)strtol(at + 2, NULL, 10);
		}
	}
}

void content_build(struct content *c, enum part_id id, const char *src,
    enum liquid_escape escape)
{
	struct building x = { .c = c, .part = &c->part[id] };
	struct liquid_piece *pieces;
	size_t n;

	x.part->liquid = content_liquid(c, part_names[id], src, escape);
	if (!x.part->liquid)
		return;
	if (!liquid_pieces(x.part->liquid, c, &pieces, &n)) {
		piece_add(&x, PIECE_WHOLE);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (pieces[i].text)
			add_marked(&x, pieces[i].text, pieces[i].len);
		else
			piece_add(&x, PIECE_VALUE)->n = pieces[i].slot;
	}
}

void content_build_read(struct content *c)
{
	struct building x = { .c = c, .part = &c->part[PART_TEXT] };

	*x.part = (struct part){ .liquid = c->part[PART_HTML].liquid };
	piece_add(&x, PIECE_READ);
}
