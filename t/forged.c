#include "forged.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "dbtest.h"
#include "tap.h"

struct json_object *forged_tokens(void *mem)
{
	const char *command =
	    mem_printf(mem, "node '%s/t/fake/forge.mjs'", dbtest_share());
	FILE *f = popen(command, "r");
	struct buf *b = buf_new(mem);
	struct json_object *o;
	char part[8192];
	size_t n;

	while (f != NULL && (n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(b, part, n);
	if (f == NULL || pclose(f) != 0)
		skip_all("node cannot run t/fake/forge.mjs");
	ok(json_read(mem, b->data, b->len, &o, NULL) == OK, "the tokens can be read");
	return o;
}
