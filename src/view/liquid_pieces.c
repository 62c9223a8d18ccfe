#include "view/liquid_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

/*
 * The scheme of a URL attribute that is one value, alone or followed by a static path
 * ("{{ url }}?a=1"), is known by that value.
 */
static bool plain_url(const struct liquid *l, int at)
{
	const struct op *op = &l->ops[at];

	if (at + 2 >= l->count || op[1].kind != OP_OUTPUT)
		return false;
	return op[2].kind == OP_URL_END ||
	    (op[2].kind == OP_TEXT && op[2].len && strchr("/?#", *op[2].text));
}

/* Lists begin with room for 8 and double: is one with n entries full? */
static bool full(size_t n)
{
	return n >= 8 && (n & (n - 1)) == 0;
}

/* Text cut only where a URL began. */
static bool follows(const struct liquid_piece *p, const struct liquid_piece *before)
{
	return before->text && p->text && before->text + before->len == p->text;
}

static void add_piece(struct liquid *l, struct liquid_piece piece)
{
	size_t n = l->piece_count;

	if (n > 0 && follows(&piece, &l->pieces[n - 1])) {
		l->pieces[n - 1].len += piece.len;
		return;
	}
	if (full(n))
		l->pieces = mem_resize(l, l->pieces, 2 * n * sizeof *l->pieces);
	l->pieces[l->piece_count++] = piece;
}

static void add_slot(struct liquid *l, const struct op *op, bool url, int *slots)
{
	if (full((size_t)*slots))
		l->slots =
		    mem_resize(l, l->slots, 2 * (size_t)*slots * sizeof *l->slots);
	l->slots[*slots] = (struct slot){ op->expr, op->escape, url, op->at };
	add_piece(l, (struct liquid_piece){ .slot = (*slots)++ });
}

void pieces_make(struct liquid *l)
{
	int i, slots = 0;
	bool plain = true, alone = false;

	l->pieces = mem_array(l, struct liquid_piece, 8);
	l->slots = mem_array(l, struct slot, 8);
	for (i = 0; i < l->count && plain; i++) {
		const struct op *op = &l->ops[i];

		if (op->kind == OP_URL) {
			plain = plain_url(l, i);
			alone = true;
		} else if (op->kind == OP_TEXT) {
			add_piece(l,
			    (struct liquid_piece){ .text = op->text, .len = op->len });
		} else if (op->kind == OP_OUTPUT) {
			add_slot(l, op, alone, &slots);
			alone = false;
		} else {
			plain = op->kind == OP_URL_END;
		}
	}
	if (!plain)
		l->pieces = NULL;
}

bool liquid_pieces(const struct liquid *l, void *mem, struct liquid_piece **out,
    size_t *n)
{
	if (!l->pieces)
		return false;
	*out = mem_array(mem, struct liquid_piece, l->piece_count + 1);
	memcpy(*out, l->pieces, l->piece_count * sizeof *l->pieces);
	*n = l->piece_count;
	return true;
}

/* ---- names that are read --------------------------------------------------------- */

struct names {
	/* assigned, counted, loop variables: not of the data */
	struct json_object *own;
	struct json_object *read;
};

static void note(struct json_object *set, const char *s)
{
	if (s && !json_object_object_get_ex(set, s, NULL))
		json_set(set, s, NULL);
}

static void read_args(struct names *x, const struct arg *args, size_t n);

static void read_expr(struct names *x, const struct expr *e)
{
	if (!e)
		return;
	read_expr(x, e->left);
	if (e->kind == EXPR_FILTER)
		read_args(x, e->args, e->count);
	else if (e->kind != EXPR_CONST && e->kind != EXPR_NAME && e->kind != EXPR_FIELD)
		read_expr(x, e->right);
	if (e->kind == EXPR_NAME && strcmp(e->name.s, "forloop") != 0 &&
	    strcmp(e->name.s, "tablerowloop") != 0 &&
	    !json_object_object_get_ex(x->own, e->name.s, NULL))
		note(x->read, e->name.s);
}

static void read_args(struct names *x, const struct arg *args, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		read_expr(x, args[i].value);
}

static void read_op(struct names *x, const struct op *op)
{
	read_expr(x, op->expr);
	if (op->kind == OP_WHEN || op->kind == OP_CYCLE)
		read_args(x, op->args, op->count);
	if (op->kind == OP_FOR || op->kind == OP_TABLEROW) {
		read_expr(x, op->loop->limit);
		read_expr(x, op->loop->offset);
		read_expr(x, op->loop->cols);
		note(x->own, op->loop->var.s);
	}
	if (op->kind == OP_ASSIGN || op->kind == OP_CAPTURE ||
	    op->kind == OP_INCREMENT || op->kind == OP_DECREMENT)
		note(x->own, op->name.s);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void names_make(struct liquid *l)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "names");
	struct names x = { json_obj(tmp), json_obj(tmp) };
	struct json_object_iterator it, end;
	int i;

	if (l->options.pages)
		return; /* nobody asks for those of a page */
	for (i = 0; i < l->count; i++)
		read_op(&x, &l->ops[i]);
	l->names =
	    mem_array(l, const char *, (size_t)json_object_object_length(x.read) + 1);
	it = json_object_iter_begin(x.read);
	end = json_object_iter_end(x.read);
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it))
		l->names[l->name_count++] = mem_str(l, json_object_iter_peek_name(&it));
	if (l->name_count)
		qsort(l->names, l->name_count, sizeof *l->names, by_text);
}

size_t liquid_names(const struct liquid *l, void *mem, const char ***out)
{
	*out = mem_array(mem, const char *, l->name_count + 1);
	if (l->name_count)
		memcpy(*out, l->names, l->name_count * sizeof *l->names);
	return l->name_count;
}
