#include "service/tag.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

static const char separators[] = ",;\n";

/* A part in quotes from *at, which is moved behind it; NULL if it is none. */
static char *quoted(void *mem, const char **at)
{
	struct buf *b = buf_new(mem);
	const char *p = *at + 1;

	for (; *p; p++) {
		if (*p == '"' && p[1] == '"')
			p++;
		else if (*p == '"')
			break;
		buf_char(b, *p);
	}
	if (*p != '"')
		return NULL;
	p++;
	p += strspn(p, " \t\r");
	if (*p && !strchr(separators, *p))
		return NULL;
	*at = p;
	return b->data;
}

size_t tag_split(void *mem, const char *text, const char ***out)
{
	size_t n = 0, cap = 8;
	const char **all = mem_array(mem, const char *, cap);

	for (const char *at = text;; at++) {
		char *part;

		at += strspn(at, " \t\r");
		part = *at == '"' ? quoted(mem, &at) : NULL;
		if (!part) {
			size_t len = strcspn(at, separators);

			part = mem_strn(mem, at, len);
			at += len;
		}
		if (n == cap) {
			cap *= 2;
			all = mem_resize(mem, all, cap * sizeof(*all));
		}
		all[n++] = text_trim(mem, part);
		if (!*at)
			break;
	}
	*out = all;
	return n;
}

static void put(struct buf *b, const char *tag)
{
	if (!strpbrk(tag, separators) && *tag != '"') {
		buf_str(b, tag);
		return;
	}
	buf_char(b, '"');
	for (; *tag; tag++) {
		if (*tag == '"')
			buf_char(b, '"');
		buf_char(b, *tag);
	}
	buf_char(b, '"');
}

const char *tag_join(void *mem, struct json_object *tags)
{
	struct buf *b = buf_new(mem);

	for (size_t i = 0; tags && i < json_object_array_length(tags); i++) {
		if (i)
			buf_str(b, "; ");
		put(b, json_object_get_string(json_object_array_get_idx(tags, i)));
	}
	return b->data;
}
