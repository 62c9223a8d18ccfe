#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "dbtest.h"
#include "tap.h"
#include "view/page.h"

/* Writes dir/name with a size that differs each time, so that it is seen as changed. */
static void put(const char *dir, const char *name, const char *text)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f)
		exit(1);
	fputs(text, f);
	fclose(f);
}

static const char *render(struct pages *p, void *mem, const char *name)
{
	struct buf *b = buf_new(mem);
	struct json_object *data = json_set_text(json_obj(mem), "x", "<b>");

	return pages_render(p, mem, name, data, b) == OK ? b->data : "error";
}

static void rendering(struct pages *p, void *mem, const char *dir)
{
	put(dir, "layout.html", "<main>{% block main %}{% endblock %}</main>");
	put(dir, "noun/show.html",
	    "{% layout \"layout\" %}\n{% block main %}{{ x }}{% include "
	    "\"partials/a\", y: 1 %}{% endblock %}\n");
	put(dir, "partials/a.html", "-{{ y }}");
	is_text(render(p, mem, "noun/show"), "<main>&lt;b&gt;-1</main>",
	    "renders a page in its layout, escaped");
	put(dir, "partials/a.html", "+{{ y }}!");
	is_text(render(p, mem, "noun/show"), "<main>&lt;b&gt;+1!</main>",
	    "sees that an included file has changed");
	put(dir, "layout.html", "<p>{% block main %}{% endblock %}");
	is_text(render(p, mem, "noun/show"), "<p>&lt;b&gt;+1!", "or its layout");
	is_text(render(p, mem, "noun/none"), "error", "has no template of that name");
	put(dir, "noun/none.html", "now");
	is_text(render(p, mem, "noun/none"), "now", "until there is one");
	is_text(render(p, mem, "../secret"), "error",
	    "reads nothing outside of its directory");
	is_text(render(p, mem, "/etc/passwd"), "error", "and no absolute path");
}

static void checking(struct pages *p, void *mem, const char *dir)
{
	const char *why = NULL;

	ok(pages_check(p, mem, &why) == OK, "accepts good templates");
	put(dir, "noun/bad.html", "a\n{% if x %}");
	ok(pages_check(p, mem, &why) == ERR_INVALID, "refuses a bad one");
	ok(strstr(why,
	       "noun/bad.html:2:1: This {% if %} is never closed; add {% endif %}.") !=
		NULL,
	    "and says where and why");
	put(dir, "noun/bad.html", "{{ x | upcas }}");
	ok(pages_check(p, mem, &why) == ERR_INVALID, "an unknown filter is found, too");
}

/* All templates of the product compile. */
static void our_own(void *mem, const struct log *lg)
{
	const char *why = "";
	struct pages *p =
	    pages_new(mem, mem_printf(mem, "%s/templates", dbtest_share()), false, lg);

	ok(pages_check(p, mem, &why) == OK, "our own templates compile");
	if (*why)
		diag("%s", why);
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");
	struct log lg = { .least = LOG_ERROR + 1, .fd = 2 };
	char dir[] = "/tmp/maillayer-page-XXXXXX";
	struct pages *p;

	if (!mkdtemp(dir))
		return 1;
	mkdir(mem_printf(mem, "%s/noun", dir), 0700);
	mkdir(mem_printf(mem, "%s/partials", dir), 0700);
	p = pages_new(mem, dir, true, &lg);
	rendering(p, mem, dir);
	checking(p, mem, dir);
	our_own(mem, &lg);
	if (system(mem_printf(mem, "rm -r '%s'", dir)) != 0)
		return 1;
	return done_testing();
}
