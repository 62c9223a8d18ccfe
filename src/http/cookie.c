#include "http/cookie.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

enum { COOKIES_MAX = 64 };

static void read_pair(struct json_object *all, const char *s, size_t n)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "cookie");
	const char *equals = memchr(s, '=', n);
	char *name, *value;
	size_t len;

	if (equals == NULL)
		return;
	name = text_trim(tmp, mem_strn(tmp, s, (size_t)(equals - s)));
	value = text_trim(tmp, mem_strn(tmp, equals + 1, n - (size_t)(equals + 1 - s)));
	len = strlen(value);
	if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
		value[len - 1] = '\0';
		value++;
	}
	if (name[0] == '\0' || json_get(all, name) != NULL)
		return;
	if (!text_is_utf8(name, strlen(name)) || !text_is_utf8(value, strlen(value)))
		return;
	if (text_has_control(name) || text_has_control(value))
		return;
	json_set_text(all, name, value);
}

struct json_object *cookie_read(void *mem, const char *header)
{
	struct json_object *all = json_obj(mem);

	for (int i = 0; header != NULL && i < COOKIES_MAX; i++) {
		size_t n = strcspn(header, ";");

		read_pair(all, header, n);
		header = header[n] == ';' ? header + n + 1 : NULL;
	}
	return all;
}
