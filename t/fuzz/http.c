#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "http/body.h"
#include "http/cookie.h"
#include "http/request.h"

/*
 * libFuzzer: the first byte chooses what the rest is read as: a body of each kind, a
 * content type with its body (split at the first line end), cookies, a request target.
 */

static void read_body(void *mem, const char *type, const char *s, size_t n)
{
	struct form *f = form_new(mem);
	const char *why = NULL;
	enum err e = body_read(mem, f, type, s, n, &why);

	if (e != OK && (why == NULL || why[0] == '\0'))
		__builtin_trap(); /* every refusal has a sentence */
	form_text(f, "a", 1, 10);
	form_json(f, "a");
	for (const struct form_file *file = form_file(f, "f"); file; file = file->next)
		if (file->data < s || file->data + file->len > s + n)
			__builtin_trap(); /* a file lies inside the body */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "fuzz");
	struct request *rq = request_new(mem);
	/* a copy of just its size: one byte read too many is seen */
	char *s = mem_array(mem, char, size ? size : 1);
	size_t n = size ? size - 1 : 0;
	char *line;

	memcpy(s, size ? data + 1 : data, n);
	line = memchr(s, '\n', n);
	switch (size ? data[0] % 6 : 0) {
	case 0: read_body(mem, "application/x-www-form-urlencoded", s, n); break;
	case 1: read_body(mem, "multipart/form-data; boundary=x", s, n); break;
	case 2: read_body(mem, "application/json", s, n); break;
	case 3:
		if (line != NULL) {
			*line++ = '\0';
			read_body(mem, s, line, n - (size_t)(line - s));
		}
		break;
	case 4: cookie_read(mem, s); break;
	default:
		if (request_set_target(rq, s) != OK && rq->broken == OK)
			__builtin_trap();
	}
	return 0;
}
