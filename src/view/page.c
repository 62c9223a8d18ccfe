#include "view/page.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "view/liquid.h"

#define MOST_BYTES (1 << 20) /* of one template */

/* A file a template was made of, and its state when it was read. */
struct file {
	struct file *next;
	const char *path;
	struct timespec changed;
	off_t size;
};

struct page {
	struct page *next;
	const char *name;
	struct liquid *liquid; /* NULL: it cannot be compiled */
	struct file *files;
	struct liquid_error error;
};

struct pages {
	const char *dir;
	bool reload;
	const struct log *lg;
	struct page *first;
};

struct pages *pages_new(void *mem, const char *dir, bool reload, const struct log *lg)
{
	struct pages *p = mem_new(mem, struct pages);

	p->dir = mem_str(p, dir);
	p->reload = reload;
	p->lg = lg;
	return p;
}

/* ---- files ----------------------------------------------------------------------- */

/*
 * noun/view: letters, digits, - _ and single slashes; nothing leads out of the
 * directory.
 */
static bool name_good(const char *name)
{
	return *name && *name != '/' && !strstr(name, "//") &&
	    name[strspn(name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/")] ==
	    '\0';
}

static char *read_all(void *mem, int fd, size_t size)
{
	char *s = mem_resize(mem, NULL, size + 1);
	size_t have = 0;
	ssize_t n;

	while (have < size && (n = read(fd, s + have, size - have)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		have += n > 0 ? (size_t)n : 0;
	}
	s[have] = '\0';
	return s;
}

struct loading {
	const struct pages *pages;
	struct page *page;
};

/* The loader of the engine: reads <dir>/<name>.html and remembers its state. */
static const char *load(void *ctx, void *mem, const char *name)
{
	struct loading *l = ctx;
	struct file *f;
	struct stat st;
	const char *s = NULL;
	int fd;

	if (!name_good(name))
		return NULL;
	f = mem_new(l->page, struct file);
	f->path = mem_printf(f, "%s/%s.html", l->pages->dir, name);
	f->next = l->page->files;
	l->page->files = f;
	fd = open(f->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= MOST_BYTES) {
		f->changed = st.st_mtim;
		f->size = st.st_size;
		s = read_all(mem, fd, (size_t)st.st_size);
	}
	close(fd);
	return s;
}

static bool file_same(const struct file *f)
{
	struct stat st;

	if (stat(f->path, &st) < 0)
		return f->changed.tv_sec == 0 && f->size == 0;
	return st.st_mtim.tv_sec == f->changed.tv_sec &&
	    st.st_mtim.tv_nsec == f->changed.tv_nsec && st.st_size == f->size;
}

static bool page_same(const struct page *pg)
{
	const struct file *f = pg->files;

	while (f && file_same(f))
		f = f->next;
	return f == NULL;
}

/* ---- compiling ------------------------------------------------------------------- */

static struct page *page_compile(struct pages *p, const char *name)
{
	struct page *pg = mem_new(p, struct page);
	struct loading ctx = { p, pg };
	const struct liquid_options o = {
		.escape = LIQUID_HTML,
		.known_filters = true,
		.pages = true,
		.load = load,
		.load_ctx = &ctx,
	};
	const char *source = load(&ctx, pg, name);
	enum err e = ERR_NOTFOUND;

	pg->name = mem_str(pg, name);
	if (source)
		e = liquid_compile(pg, source, strlen(source), &o, &pg->liquid,
		    &pg->error);
	else
		strncpy(pg->error.text, "There is no such template.",
		    sizeof pg->error.text - 1);
	if (e != OK)
		log_error(p->lg, "template.bad", LOG_STR("template", name),
		    LOG_INT("line", pg->error.line),
		    LOG_INT("column", pg->error.column),
		    LOG_STR("why", pg->error.text));
	return pg;
}

static struct page *page_find(struct pages *p, const char *name)
{
	struct page **at = &p->first, *pg;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	pg = *at;
	if (pg && p->reload && !page_same(pg)) {
		*at = pg->next;
		mem_free(pg);
		pg = NULL;
	}
	if (!pg) {
		pg = page_compile(p, name);
		pg->next = p->first;
		p->first = pg;
	}
	return pg;
}

enum err pages_render(struct pages *p, void *mem, const char *name,
    struct json_object *data, struct buf *out)
{
	const struct page *pg = page_find(p, name);
	struct liquid_error error;
	enum err e;

	if (!pg->liquid)
		return ERR_INTERNAL; /* logged when it was compiled */
	e = liquid_render(pg->liquid, mem, data, out, &error);
	if (e == OK)
		return OK;
	log_error(p->lg, "template.failed", LOG_STR("template", name),
	    LOG_INT("line", error.line), LOG_INT("column", error.column),
	    LOG_STR("why", error.text));
	return ERR_INTERNAL;
}

/* ---- all at once ----------------------------------------------------------------- */

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/*
 * Partials are compiled where they are included: alone they lack their names and place.
 */
static enum err check_one(struct pages *p, void *mem, const char *name,
    const char **why)
{
	const struct page *pg = page_find(p, name);

	if (pg->liquid)
		return OK;
	if (why)
		*why = mem_printf(mem,
		    "%s/%s.html:%d:%d: "
		    "%s",
		    p->dir, name, pg->error.line, pg->error.column, pg->error.text);
	return ERR_INVALID;
}

static enum err check_dir(struct pages *p, void *mem, const char *under,
    const char **why)
{
	char *path = mem_printf(mem, "%s/%s", p->dir, under);
	DIR *dir = opendir(path);
	const struct dirent *d;
	enum err e = OK;

	if (!dir) {
		if (why)
			*why = mem_printf(mem,
			    "%s cannot be read: "
			    "%s",
			    path, strerror(errno));
		return ERR_IO;
	}
	while (e == OK && (d = readdir(dir))) {
		size_t n = strlen(d->d_name);
		char *name = mem_printf(mem, "%s%s", under, d->d_name);

		if (d->d_name[0] == '.' || strcmp(name, "partials") == 0)
			continue;
		if (is_directory(mem_printf(mem, "%s/%s", p->dir, name)))
			e = check_dir(p, mem, mem_printf(mem, "%s/", name), why);
		else if (n > 5 && strcmp(d->d_name + n - 5, ".html") == 0)
			e = check_one(p, mem, mem_strn(mem, name, strlen(name) - 5),
			    why);
	}
	closedir(dir);
	return e;
}

enum err pages_check(struct pages *p, void *mem, const char **why)
{
	return check_dir(p, mem, "", why);
}
