#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/commands.h"
#include "view/liquid.h"

#define MOST_BYTES ((size_t)64 << 20)

enum option { DATA, HTML, STRICT };

/* The whole file, or NULL with errno; "-" is standard input. */
static struct buf *read_file(void *mem, const char *path)
{
	struct buf *b = buf_new(mem);
	int fd =
	    strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	char part[16384];
	ssize_t n;

	if (fd < 0)
		return NULL;
	while ((n = read(fd, part, sizeof part)) > 0 && b->len <= MOST_BYTES)
		buf_add(b, part, (size_t)n);
	if (n > 0)
		errno = EFBIG;
	if (fd != STDIN_FILENO)
		close(fd);
	return n == 0 ? b : NULL;
}

/*
 * {% include "name" %}: name, name.html or name.liquid beside the template or below it.
 */
static const char *load(void *ctx, void *mem, const char *name)
{
	static const char *const ends[] = { "", ".html", ".liquid" };
	const char *file = ctx, *slash = strrchr(file, '/');
	int dir = slash ? (int)(slash - file) + 1 : 0;
	struct buf *b = NULL;
	size_t i;

	if (*name == '/' || strstr(name, ".."))
		return NULL;
	for (i = 0; i < 3 && !b; i++)
		b = read_file(mem,
		    mem_printf(mem, "%.*s%s%s", dir, file, name, ends[i]));
	return b ? b->data : NULL;
}

static int no_file(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return 1;
}

/* The names of the template: a JSON object, empty without --data. */
static int read_data(void *mem, const char *path, struct json_object **data)
{
	const char *why = NULL;
	struct buf *b;

	*data = json_obj(mem);
	if (!path)
		return 0;
	b = read_file(mem, path);
	if (!b)
		return no_file(path);
	if (json_read(mem, b->data, b->len, data, &why) != OK) {
		fprintf(stderr, "%s: %s\n", path, why ? why : "This is no JSON.");
		return 1;
	}
	if (json_object_is_type(*data, json_type_object))
		return 0;
	fprintf(stderr, "%s: The data must be a JSON object: {\"name\": value}.\n",
	    path);
	return 1;
}

static int print(const struct buf *out)
{
	if (fwrite(out->data, 1, out->len, stdout) == out->len && fflush(stdout) == 0)
		return 0;
	return no_file("standard output");
}

static int run(struct arguments *a)
{
	struct liquid_options o = { .pages = true, .load = load };
	struct buf *source, *out = buf_new(a->mem);
	struct liquid_error error;
	struct json_object *data;
	struct liquid *l;
	enum err e;

	if (a->nrest != 1)
		return command_usage(&command_render, "name one template file.");
	source = read_file(a->mem, a->rest[0]);
	if (!source)
		return no_file(a->rest[0]);
	if (read_data(a->mem, a->values[DATA], &data) != 0)
		return 1;
	o.load_ctx = a->rest[0];
	o.strict = a->values[STRICT] != NULL;
	o.escape = a->values[HTML] ? LIQUID_HTML : LIQUID_PLAIN;
	e = liquid_compile(a->mem, source->data, source->len, &o, &l, &error);
	if (e == OK)
		e = liquid_render(l, a->mem, data, out, &error);
	if (e == OK)
		return print(out);
	fprintf(stderr, "%s:%d:%d: %s\n", a->rest[0], error.line, error.column,
	    error.text);
	return 1;
}

const struct command command_render = {
	.name = "render",
	.usage = "FILE",
	.summary = "Prints a Liquid template rendered.",
	.more = "An error is printed as FILE:line:column: sentence, with status 1.\n"
		"FILE is - for standard input.\n"
		"{% include \"name\" %} finds files beside FILE.\n",
	.options = {
		[DATA] = { "data", "FILE", "JSON object of the names it may use" },
		[HTML] = { "html", NULL, "escape values where they stand in HTML" },
		[STRICT] = { "strict", NULL, "refuse what is undefined or unknown" },
	},
	.run = run,
};
