#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "tap.h"

/* What log_write wrote; the pipe is read empty. */
static char *line_of(void *mem, int fd)
{
	char *s = mem_array(mem, char, 8192);
	ssize_t n = read(fd, s, 8191);

	s[n > 0 ? n : 0] = '\0';
	return s;
}

static struct json_object *object_of(void *mem, int fd)
{
	char *s = line_of(mem, fd);
	struct json_object *o = NULL;
	const char *why = "";

	if (json_read(mem, s, strlen(s), &o, &why) != OK)
		diag("%s: %s", why, s);
	return o;
}

static void as_json(void *mem, struct log *lg, int fd)
{
	struct json_object *o;

	log_info(lg, "campaign.started", LOG_INT("campaign", 7), LOG_STR("by", "a@b"));
	o = object_of(mem, fd);
	is_text(json_text(o, "event", NULL), "campaign.started",
	    "log_info names the event");
	is_text(json_text(o, "level", NULL), "info", "log_info says its level");
	is_text(json_text(o, "process", NULL), "web", "log_info says the process");
	is_text(json_text(o, "request", NULL), "r1", "log_info says the request");
	is_int(json_int(o, "brand", 0), 3, "log_info says the brand");
	is_int(json_int(o, "campaign", 0), 7, "log_info writes numbers");
	is_text(json_text(o, "by", NULL), "a@b", "log_info writes text");
	ok(text_ends(json_text(o, "time", ""), "Z") &&
		strlen(json_text(o, "time", "")) == strlen("2026-11-24T09:00:00.000Z"),
	    "log_info writes the time in UTC");
	log_warn(lg, "plain");
	is_text(json_text(object_of(mem, fd), "event", NULL), "plain",
	    "log_warn needs no fields");
	log_info(lg, "x", LOG_STR("a", NULL));
	is_text(json_text(object_of(mem, fd), "a", NULL), "",
	    "LOG_STR of NULL is empty");
}

static void hostile(void *mem, struct log *lg, int fd)
{
	struct json_object *o;
	char *s;

	log_info(lg, "x", LOG_STR("a", "1\n{\"level\":\"error\"}\r\x1b[31m\xff\"\\"),
	    LOG_INT("n", 1));
	s = line_of(mem, fd);
	ok(strchr(s, '\n') == s + strlen(s) - 1,
	    "log_write keeps a forged line on its own line");
	ok(strchr(s, '\x1b') == NULL && strchr(s, '\xff') == NULL,
	    "log_write passes no terminal codes and no broken UTF-8");
	ok(json_read(mem, s, strlen(s), &o, NULL) == OK && json_int(o, "n", 0) == 1,
	    "log_write stays valid JSON");
	lg->json = false;
	log_info(lg, "x", LOG_STR("a", "1\n2\x1b"));
	s = line_of(mem, fd);
	ok(strchr(s, '\n') == s + strlen(s) - 1 && strchr(s, '\x1b') == NULL,
	    "log_write escapes in text form too");
	lg->json = true;
}

/* Values of every length: a cut line is still one JSON object of at most 4 KiB. */
static void lengths(void *mem, struct log *lg, int fd)
{
	int broken = 0, longest = 0;

	for (size_t n = 0; n < 1500; n += 7) {
		char *v = mem_zero(mem, n + 1, "v"), *s;
		struct json_object *o;

		memset(v, n % 2 ? '"' : 'x', n);
		log_info(lg, "x", LOG_STR("a", v), LOG_STR("b", v), LOG_STR("c", v),
		    LOG_STR("d", v), LOG_STR("e", v), LOG_INT("end", 1));
		s = line_of(mem, fd);
		broken += json_read(mem, s, strlen(s), &o, NULL) != OK;
		longest = (int)strlen(s) > longest ? (int)strlen(s) : longest;
		mem_free(v);
	}
	is_int(broken, 0, "log_write cuts without breaking the line");
	ok(longest <= 4096 && longest > 3000, "log_write ends a line at 4 KiB (%d)",
	    longest);
}

static void levels(void *mem, struct log *lg, int fd)
{
	lg->least = LOG_WARN;
	log_info(lg, "quiet");
	log_error(lg, "loud");
	is_text(json_text(object_of(mem, fd), "event", NULL), "loud",
	    "log_write drops lower levels");
	ok(log_level_from("debug") == LOG_DEBUG &&
		log_level_from("error") == LOG_ERROR &&
		log_level_from("x") == LOG_INFO && log_level_from(NULL) == LOG_INFO,
	    "log_level_from knows the names");
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");
	int fds[2];
	struct log lg = { .least = LOG_DEBUG,
		.json = true,
		.process = "web",
		.request = "r1",
		.brand = 3 };

	if (pipe(fds) != 0)
		return 1;
	lg.fd = fds[1];
	as_json(mem, &lg, fds[0]);
	hostile(mem, &lg, fds[0]);
	lengths(mem, &lg, fds[0]);
	levels(mem, &lg, fds[0]);
	mem_free(mem);
	return done_testing();
}
