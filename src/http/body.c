#include "http/body.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

bool body_is(const char *type, const char *want)
{
	size_t n = strlen(want);

	if (type == NULL || strncasecmp(type, want, n) != 0)
		return false;
	return type[n] == '\0' || type[n] == ';' || type[n] == ' ' || type[n] == '\t';
}

static enum err fail(const char **why, enum err e, const char *sentence)
{
	*why = sentence;
	return e;
}

/* name=value of n bytes */
static enum err read_pair(struct form *f, const char *s, size_t n, const char **why)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "pair");
	const char *equals = memchr(s, '=', n);
	size_t name_len = equals ? (size_t)(equals - s) : n;
	size_t value_len = equals ? n - name_len - 1 : 0;
	char *name, *value;
	size_t len;

	if (!url_decode(tmp, s, name_len, true, &name, &len) ||
	    !text_is_utf8(name, len))
		return fail(why, ERR_MALFORMED, "A field's name cannot be read.");
	if (!url_decode(tmp, s + n - value_len, value_len, true, &value, &len))
		return fail(why, ERR_MALFORMED,
		    "A field's value is not percent-encoded.");
	if (!text_is_utf8(value, len))
		return fail(why, ERR_MALFORMED, "A field's value is not UTF-8 text.");
	form_add(f, name, value);
	return OK;
}

enum err body_urlencoded(struct form *f, const char *s, size_t n, const char **why)
{
	const char *end = s + n;
	enum err e = OK;

	for (int fields = 0; e == OK && s < end;) {
		const char *stop = memchr(s, '&', (size_t)(end - s));

		if (stop == NULL)
			stop = end;
		if (stop > s && ++fields > BODY_FIELDS_MAX)
			return fail(why, ERR_TOO_LARGE,
			    "There are more than 256 fields.");
		if (stop > s)
			e = read_pair(f, s, (size_t)(stop - s), why);
		s = stop + 1;
	}
	return e;
}

static enum err read_json(void *mem, struct form *f, const char *s, size_t n,
    const char **why)
{
	struct json_object *o;
	enum err e = json_read_within(mem, s, n, json_most(n), &o, why);

	if (e != OK)
		return e;
	if (!json_object_is_type(o, json_type_object))
		return fail(why, ERR_MALFORMED, "The body must be a JSON object.");
	if (json_object_object_length(o) > BODY_FIELDS_MAX)
		return fail(why, ERR_TOO_LARGE, "There are more than 256 fields.");
	form_set_json(f, o);
	return OK;
}

enum err body_read(void *mem, struct form *f, const char *type, const char *body,
    size_t len, const char **why)
{
	if (len == 0)
		return OK;
	if (body_is(type, "application/x-www-form-urlencoded"))
		return body_urlencoded(f, body, len, why);
	if (body_is(type, "multipart/form-data"))
		return body_multipart(f, type, body, len, why);
	if (body_is(type, "application/json"))
		return read_json(mem, f, body, len, why);
	return fail(why, ERR_TYPE,
	    "Send application/json, application/x-www-form-urlencoded "
	    "or multipart/form-data.");
}
