#include "base/buf.h"

#include <string.h>

#include "base/mem.h"
#include "tap.h"

static void appending(void *mem)
{
	struct buf *b = buf_new(mem);
	bool terminated = true;

	is_text(b->data, "", "buf_new is an empty string");
	buf_str(b, NULL);
	is_int((int64_t)b->len, 0, "buf_str of NULL adds nothing");
	for (int i = 0; i < 5000; i++) {
		buf_char(b, (char)('a' + i % 26));
		terminated = terminated && b->data[b->len] == '\0';
	}
	is_int((int64_t)b->len, 5000, "buf_char adds one at a time");
	ok(terminated, "buf_char keeps the NUL at the end");
	ok(b->data[0] == 'a' && b->data[4999] == 'a' + 4999 % 26,
	    "buf_char keeps the order");
	buf_cut(b, 9000);
	is_int((int64_t)b->len, 5000, "buf_cut never lengthens");
	buf_cut(b, 3);
	is_text(b->data, "abc", "buf_cut shortens and terminates");
	buf_reset(b);
	is_text(b->data, "", "buf_reset empties");
	buf_add(b, "x\0y", 3);
	is_int((int64_t)b->len, 3, "buf_add counts a NUL inside");
}

static void numbers(void *mem)
{
	struct buf *b = buf_new(mem);

	buf_int(b, INT64_MIN);
	is_text(b->data, "-9223372036854775808", "buf_int writes the smallest number");
	buf_reset(b);
	buf_int(b, INT64_MAX);
	is_text(b->data, "9223372036854775807", "buf_int writes the largest");
}

/* Every length around the first capacity, where an off-by-one would show. */
static void printing(void *mem)
{
	char text[200];
	int wrong = 0;

	memset(text, 'z', sizeof(text));
	for (int n = 0; n < (int)sizeof(text); n++) {
		struct buf *b = buf_new(mem);

		buf_printf(b, "%.*s", n, text);
		wrong += b->len != (size_t)n || strlen(b->data) != (size_t)n;
		buf_printf(b, "|%d", n);
		wrong += b->data[n] != '|';
		mem_free(b);
	}
	is_int(wrong, 0, "buf_printf fits at every length");
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");

	appending(mem);
	numbers(mem);
	printing(mem);
	mem_free(mem);
	return done_testing();
}
