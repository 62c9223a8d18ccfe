#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "http/body.h"

/* The first line is the content type. A file lies inside the body; a value comes back.
 */
const size_t fuzz_max = 8000;

static void read_it(void *mem, const char *type, const char *s, size_t n)
{
	struct form *f = form_new(mem);
	const char *why = NULL;

	if (body_read(mem, f, type, s, n, &why) != OK)
		FUZZ_CHECK(!text_empty(why));
	for (const struct form_file *x = form_file(f, "f"); x; x = x->next) {
		FUZZ_CHECK(x->data >= s && x->data + x->len <= s + n);
		FUZZ_CHECK(!strpbrk(x->name, "/\\"));
	}
	form_text(f, "a", 1, 10);
}

static void round_trip(void *mem, const char *value)
{
	struct form *f = form_new(mem);
	struct buf *b = buf_new(mem);
	const char *why = NULL;

	if (strstr(value, "--limit") || !text_is_utf8(value, strlen(value)))
		return;
	buf_printf(b,
	    "--limit\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n%s\r\n"
	    "--limit\r\nContent-Disposition: form-data; name=\"f\"; "
	    "filename=\"x\"\r\n\r\n"
	    "%s\r\n--limit--\r\n",
	    value, value);
	FUZZ_CHECK(body_multipart(f, "multipart/form-data; boundary=limit", b->data,
		       b->len, &why) == OK);
	FUZZ_CHECK(text_equal(form_get(f, "a"), value));
	FUZZ_CHECK(form_file(f, "f") && form_file(f, "f")->len == strlen(value));
}

void fuzz_one(void *mem, const char *s, size_t n)
{
	const char *line = memchr(s, '\n', n);

	read_it(mem, "multipart/form-data; boundary=x", s, n);
	if (line != NULL)
		read_it(mem, mem_strn(mem, s, (size_t)(line - s)), line + 1,
		    n - (size_t)(line + 1 - s));
	round_trip(mem, fuzz_text(mem, s, n));
}
