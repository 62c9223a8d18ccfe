#include "http/body.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

/* RFC 7578 as browsers write it: every part is between two delimiters. */
enum { BOUNDARY_MAX = 70, PART_HEAD_MAX = 8192 };

struct part {
	const char *name, *filename, *type;
	const char *data;
	size_t len;
};

/* What is left to read, and how much of it may still be copied. */
struct reader {
	const char *s, *end, *delimiter;
	size_t left;
};

static enum err fail(const char **why, enum err e, const char *sentence)
{
	*why = sentence;
	return e;
}

static const char *skip_space(const char *s)
{
	return s + strspn(s, " \t");
}

/*
 * Reads a token or a quoted string at *s and moves on.  In quotes only \" is an escape:
 * a Windows path keeps its backslashes.
 */
static char *read_value(void *mem, const char **s)
{
	struct buf *b = buf_new(mem);
	const char *p = *s;

	if (*p != '"') {
		size_t n = strcspn(p, "; \t");

		*s = p + n;
		return mem_strn(mem, p, n);
	}
	for (p++; *p != '\0' && *p != '"'; p++) {
		if (p[0] == '\\' && p[1] == '"')
			p++;
		buf_char(b, *p);
	}
	*s = *p == '"' ? p + 1 : p;
	return b->data;
}

/* Value of a parameter (name="x") of a header value, NULL if absent. */
static char *parameter(void *mem, const char *header, const char *name)
{
	const char *s = header + strcspn(header, ";");

	while (*s == ';') {
		size_t n;
		bool found;
		char *value;

		s = skip_space(s + 1);
		n = strcspn(s, "=; \t");
		found = n == strlen(name) && strncasecmp(s, name, n) == 0;
		s = skip_space(s + n);
		if (*s != '=')
			continue;
		s = skip_space(s + 1);
		value = read_value(mem, &s);
		if (found)
			return value;
		s += strcspn(s, ";");
	}
	return NULL;
}

/* Browsers write a quote, CR and LF in a name as %22, %0D and %0A. */
static char *unescape(void *mem, const char *s)
{
	struct buf *b = buf_new(mem);

	for (; *s != '\0'; s++) {
		if (strncasecmp(s, "%22", 3) == 0) {
			buf_char(b, '"');
			s += 2;
		} else if (strncasecmp(s, "%0d", 3) == 0 ||
		    strncasecmp(s, "%0a", 3) == 0) {
			buf_char(b, ' ');
			s += 2;
		} else {
			buf_char(b, *s);
		}
	}
	return b->data;
}

/* The name without any folders before it. */
static const char *base_name(const char *s)
{
	const char *last = s;

	for (; *s != '\0'; s++)
		if (*s == '/' || *s == '\\')
			last = s + 1;
	return last;
}

static void read_disposition(void *mem, const char *value, struct part *p)
{
	char *name = parameter(mem, value, "name");
	char *file = parameter(mem, value, "filename");

	if (strncasecmp(value, "form-data", 9) != 0)
		return;
	p->name = name ? unescape(mem, name) : NULL;
	p->filename = file ? base_name(unescape(mem, file)) : NULL;
}

/* Header lines of a part, n bytes. */
static void read_head(void *mem, const char *s, size_t n, struct part *p)
{
	char *line = mem_strn(mem, s, n);

	while (line != NULL) {
		char *next = strstr(line, "\r\n");

		if (next != NULL)
			*next = '\0';
		if (strncasecmp(line, "content-disposition:", 20) == 0)
			read_disposition(mem, skip_space(line + 20), p);
		else if (strncasecmp(line, "content-type:", 13) == 0)
			p->type = skip_space(line + 13);
		line = next ? next + 2 : NULL;
	}
}

static enum err add_part(struct reader *r, struct form *f, const struct part *p,
    const char **why)
{
	struct form_file file = {
		.field = p->name,
		.name = p->filename,
		.type = p->type ? p->type : "",
		.data = p->data,
		.len = p->len,
	};
	char *value;

	if (p->name == NULL || p->name[0] == '\0')
		return fail(why, ERR_MALFORMED, "A part of the form has no name.");
	if (!text_is_utf8(p->name, strlen(p->name)))
		return fail(why, ERR_MALFORMED, "A field's name is not UTF-8 text.");
	if (p->filename != NULL) {
		if (!text_is_utf8(p->filename, strlen(p->filename)))
			file.name = "upload";
		if (p->filename[0] != '\0' || p->len > 0)
			form_add_file(f, &file); /* both empty: no file was chosen */
		return OK;
	}
	if (p->len > r->left)
		return fail(why, ERR_TOO_LARGE,
		    "The form's fields, without its files, are larger than 8 MB.");
	r->left -= p->len;
	if (memchr(p->data, '\0', p->len) != NULL || !text_is_utf8(p->data, p->len))
		return fail(why, ERR_MALFORMED, "A field's value is not UTF-8 text.");
	value = mem_strn(NULL, p->data, p->len);
	form_add(f, p->name, value);
	mem_free(value);
	return OK;
}

/*
 * r->s stands behind a delimiter: reads the part up to the next one and moves there.
 * ERR_NOTFOUND at the closing delimiter.
 */
static enum err next_part(struct reader *r, struct form *f, const char **why)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "part");
	struct part p = { 0 };
	size_t n = strlen(r->delimiter), n_head;
	const char *head = r->s, *end = r->end, *body, *stop;

	if (end - head >= 2 && memcmp(head, "--", 2) == 0)
		return ERR_NOTFOUND;
	while (head < end && (*head == ' ' || *head == '\t'))
		head++;
	if (end - head < 2 || memcmp(head, "\r\n", 2) != 0)
		return fail(why, ERR_MALFORMED,
		    "The form's parts cannot be told apart.");
	n_head =
	    (size_t)(end - head) < PART_HEAD_MAX ? (size_t)(end - head) : PART_HEAD_MAX;
	body = memmem(head, n_head, "\r\n\r\n", 4);
	if (body == NULL)
		return fail(why, ERR_MALFORMED,
		    "A part of the form has no end of its head.");
	if (body > head)
		read_head(tmp, head + 2, (size_t)(body - head) - 2, &p);
	p.data = body + 4;
	/* an empty part's delimiter begins with the CRLF that ended its head */
	stop = memmem(body + 2, (size_t)(end - body) - 2, r->delimiter, n);
	if (stop == NULL)
		return fail(why, ERR_MALFORMED,
		    "The form ends too early: send it again.");
	p.len = stop > p.data ? (size_t)(stop - p.data) : 0;
	r->s = stop + n;
	return add_part(r, f, &p, why);
}

enum err body_multipart(struct form *f, const char *type, const char *s, size_t n,
    const char **why)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "multipart");
	struct reader r = { .end = s + n, .left = BODY_VALUES_MAX };
	char *boundary = parameter(tmp, type, "boundary");
	char *delimiter;
	enum err e = OK;

	if (boundary == NULL || boundary[0] == '\0' || strlen(boundary) > BOUNDARY_MAX)
		return fail(why, ERR_MALFORMED, "The content type names no boundary.");
	delimiter = mem_printf(tmp, "\r\n--%s", boundary);
	if (n >= strlen(delimiter) - 2 &&
	    memcmp(s, delimiter + 2, strlen(delimiter) - 2) == 0)
		s += strlen(delimiter) - 2;
	else if ((s = memmem(s, n, delimiter, strlen(delimiter))) != NULL)
		s += strlen(delimiter);
	else
		return fail(why, ERR_MALFORMED,
		    "The form does not begin with its boundary.");
	r.s = s;
	r.delimiter = delimiter;
	for (int parts = 0; e == OK; parts++) {
		if (parts > BODY_PARTS_MAX)
			return fail(why, ERR_TOO_LARGE,
			    "The form has more than 64 parts.");
		e = next_part(&r, f, why);
	}
	return e == ERR_NOTFOUND ? OK : e;
}
