#include "send/compose.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "view/liquid.h"

/*
 * True if the output tag that begins at or behind *s already encodes; moves *s behind
 * it.
 */
static bool encodes_itself(const char **s)
{
	const char *open = strstr(*s, "{{");
	const char *close = open ? strstr(open, "}}") : NULL;
	const char *filter = open ? strstr(open, "url_encode") : NULL;

	if (close)
		*s = close + 2;
	return close && filter && filter < close;
}

/*
 * The first value may be the beginning of the address itself; later ones are parts of
 * it.
 */
static enum err fill_pieces(const struct liquid *l, void *mem, const char *source,
    struct json_object *data, struct buf *out)
{
	struct liquid_piece *pieces;
	struct liquid_error error;
	struct buf *value = buf_new(mem);
	enum err e = OK;
	size_t n;

	if (!liquid_pieces(l, mem, &pieces, &n))
		return liquid_render(l, mem, data, out, &error);
	for (size_t i = 0; e == OK && i < n; i++) {
		if (pieces[i].text) {
			buf_add(out, pieces[i].text, pieces[i].len);
			continue;
		}
		buf_reset(value);
		e = liquid_slot(l, mem, pieces[i].slot, data, value, &error);
		if (encodes_itself(&source) || out->len == 0)
			buf_add(out, value->data, value->len);
		else
			buf_str(out, url_encode_n(mem, value->data, value->len));
	}
	return e;
}

enum err merge_url(void *mem, const char *template, struct json_object *data,
    char **out)
{
	struct liquid_options o = { .escape = LIQUID_PLAIN };
	struct liquid_error error;
	struct liquid *l;
	struct buf *b = buf_new(mem);
	enum err e = liquid_compile(mem, template, strlen(template), &o, &l, &error);

	if (e == OK)
		e = fill_pieces(l, mem, template, data, b);
	if (e != OK)
		return ERR_INVALID;
	*out = text_trim(mem, b->data);
	if (text_has_control(*out) || strchr(*out, ' ') || strlen(*out) > 8000 ||
	    (strncasecmp(*out, "http://", 7) != 0 &&
		strncasecmp(*out, "https://", 8) != 0))
		return ERR_INVALID;
	return OK;
}
