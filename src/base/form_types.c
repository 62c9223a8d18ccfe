#include "base/form.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/*
 * The kinds of JSON that a type takes.  A form has nothing but text, so what is written
 * as text in one is taken as text here too.
 */
enum {
	KIND_INT = 1,
	KIND_DOUBLE = 2,
	KIND_TEXT = 4,
	KIND_BOOL = 8,
	KIND_OBJECT = 16,
	KIND_LIST = 32,
};

/* clang-format off */
static const struct {
	const char *type;
	unsigned kinds;
	const char *sentence;
} types[] = {
	{ "int", KIND_INT | KIND_TEXT, "Send a whole number here." },
	{ "num", KIND_INT | KIND_DOUBLE | KIND_TEXT, "Send a number here." },
	{ "bool", KIND_BOOL | KIND_INT | KIND_TEXT, "Send true or false here." },
	{ "text", KIND_TEXT, "Send text here." },
	{ "time", KIND_TEXT, "Send a time as text here." },
	{ "object", KIND_OBJECT | KIND_TEXT, "Send an object here." },
	{ "[int]", KIND_LIST | KIND_INT | KIND_TEXT, "Send a list of whole numbers here." },
	{ "[text]", KIND_LIST | KIND_TEXT, "Send a list of texts here." },
};
/* clang-format on */

static unsigned kind_of(struct json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_int: return KIND_INT;
	case json_type_double: return KIND_DOUBLE;
	case json_type_string: return KIND_TEXT;
	case json_type_boolean: return KIND_BOOL;
	case json_type_object: return KIND_OBJECT;
	case json_type_array: return KIND_LIST;
	default: return 0;
	}
}

/* Is the value of one of these kinds; of a list, is each of its values? */
static bool fits(struct json_object *v, unsigned kinds)
{
	if ((kind_of(v) & kinds) == 0)
		return false;
	for (size_t i = 0; kind_of(v) == KIND_LIST && i < json_object_array_length(v);
	     i++)
		if ((kind_of(json_object_array_get_idx(v, i)) & kinds & ~KIND_LIST) ==
		    0)
			return false;
	return true;
}

/* The type of "name:type!" with n bytes, without its marks; NULL: any. */
static int type_of(const char *type, size_t n)
{
	while (n > 0 && strchr("!?~", type[n - 1]))
		n--;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strlen(types[i].type) == n && memcmp(types[i].type, type, n) == 0)
			return (int)i;
	return -1;
}

bool form_types(struct form *f, const char *names)
{
	bool good = true;

	for (size_t n; *(names += strspn(names, " ")) != '\0'; names += n) {
		MEM_SCOPE void *tmp = mem_scope(NULL, "form_types");
		size_t colon = strcspn(names, ": ");
		struct json_object *v;
		const char *name;
		int type;

		n = strcspn(names, " ");
		if (colon == n)
			continue;
		name = mem_strn(tmp, names, colon);
		type = type_of(names + colon + 1, n - colon - 1);
		v = json_get(form_values(f), name);
		if (type < 0 || v == NULL || fits(v, types[type].kinds))
			continue;
		form_fail(f, name, "%s", types[type].sentence);
		good = false;
	}
	return good;
}
