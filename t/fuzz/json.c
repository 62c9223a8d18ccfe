#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "http/body.h"

/* A JSON body: what is read is written and read again as the same. */
const size_t fuzz_max = 8000;

static void fields(void *mem, struct form *f)
{
	static const char *const words[] = { "a", "b", NULL };
	int64_t *ids;

	form_text(f, "a", 1, 10);
	form_line(f, "b", 0, 10);
	form_int(f, "n", 0, 9, 1);
	form_bool(f, "n", true);
	form_choice(f, "a", words, 0);
	form_ids(f, mem, "l", 10, &ids);
	form_get(f, "o[k]");
	FUZZ_CHECK(form_ok(f) || json_object_object_length(form_errors(f)) > 0);
}

void fuzz_one(void *mem, const char *s, size_t n)
{
	struct json_object *o, *again;
	struct form *f = form_new(mem);
	struct buf *b = buf_new(mem);
	const char *why = NULL, *text;
	enum err e = body_read(mem, f, "application/json", s, n, &why);

	FUZZ_CHECK(e == OK || !text_empty(why));
	fields(mem, f);
	if (text_is_utf8(s, n) && !memchr(s, '\0', n)) { /* NUL is refused */
		buf_char(b, '"');
		json_escape(b, s, n);
		buf_char(b, '"');
		FUZZ_CHECK(json_read(mem, b->data, b->len, &o, NULL) == OK);
		FUZZ_CHECK((size_t)json_object_get_string_len(o) == n &&
		    memcmp(json_object_get_string(o), s, n) == 0);
	}
	if (json_read(mem, s, n, &o, &why) != OK)
		return;
	text = json_write(mem, o);
	FUZZ_CHECK(json_read(mem, text, strlen(text), &again, NULL) == OK);
	FUZZ_CHECK(json_object_equal(o, again) || strpbrk(text, ".eE"));
}
