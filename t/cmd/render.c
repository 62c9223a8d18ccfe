#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/commands.h"
#include "tap.h"

static char dir[] = "/tmp/maillayer-render-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f)
		exit(1);
	fputs(text, f);
	fclose(f);
}

static const char *get(void *mem, const char *name)
{
	char text[4096], path[256];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "r");
	if (f) {
		n = fread(text, 1, sizeof text, f);
		fclose(f);
	}
	return mem_strn(mem, text, n);
}

/* Runs it in the directory, in a process of its own; "status|stdout|stderr". */
static const char *render(void *mem, char **argv)
{
	int argc = 0, status = 0;
	pid_t pid;

	while (argv[argc])
		argc++;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (chdir(dir) < 0 || !freopen("out", "w", stdout) ||
		    !freopen("err", "w", stderr))
			_exit(99);
		status = command_run(&command_render, argc, argv);
		fflush(NULL);
		_exit(status);
	}
	waitpid(pid, &status, 0);
	return mem_printf(mem, "%d|%s|%s", WEXITSTATUS(status), get(mem, "out"),
	    get(mem, "err"));
}

#define RENDER(...) render(mem, (char *[]){ "render", __VA_ARGS__, NULL })

static void outputs(void *mem)
{
	put("hello.txt", "Hello {{ name }}{% include \"part\" %}");
	put("part.liquid", "!");
	put("data.json", "{\"name\": \"<Ana> & co\"}");
	is_text(RENDER("hello.txt", "--data", "data.json"), "0|Hello <Ana> & co!|",
	    "prints the template rendered, unescaped");
	is_text(RENDER("hello.txt", "--data", "data.json", "--html"),
	    "0|Hello &lt;Ana&gt; &amp; co!|", "escapes with --html");
	is_text(RENDER("--html", "hello.txt"), "0|Hello !|", "needs no data");
}

static void errors(void *mem)
{
	put("bad.txt", "a\n {% if x %}");
	put("bad.json", "{\"name\": ");
	put("list.json", "[1]");
	is_text(RENDER("bad.txt"),
	    "1||bad.txt:2:2: This {% if %} is never closed; add {% endif %}.\n",
	    "names file, line, column and what to do");
	is_text(RENDER("hello.txt", "--strict"),
	    "1||hello.txt:1:10: There is no value named \"name\".\n",
	    "refuses an undefined name with --strict");
	is_text(RENDER("none.txt"), "1||none.txt: No such file or directory\n",
	    "says that there is no such file");
	ok(strncmp(RENDER("hello.txt", "--data", "bad.json"), "1||bad.json: ", 13) == 0,
	    "says that the data is no JSON");
	is_text(RENDER("hello.txt", "--data", "list.json"),
	    "1||list.json: The data must be a JSON object: {\"name\": value}.\n",
	    "wants an object");
	is_text(RENDER("--html"),
	    "2||maillayer render: name one template file.\n"
	    "Try `maillayer render --help`.\n",
	    "wants a file");
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");

	if (!mkdtemp(dir))
		return 1;
	outputs(mem);
	errors(mem);
	if (system(mem_printf(mem, "rm -r '%s'", dir)) != 0)
		return 1;
	return done_testing();
}
