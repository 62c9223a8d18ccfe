#include "http/receive.h"

#include <dirent.h>
#include <stdio.h>

#include "base/text.h"
#include "cost.h"
#include "http/router.h"
#include "http/text_body.h"
#include "tap.h"

static const char json[] = "application/json";
static const char form[] = "application/x-www-form-urlencoded";
static const char parts[] = "multipart/form-data; boundary=limit";

static struct route routes[] = {
	{ POST, "/a", NULL, NULL, 1, NULL, 0 },
	{ POST, "/b", NULL, NULL, 1, NULL, ROUTE_LARGE },
	{ POST, "/c", NULL, NULL, 1, NULL, ROUTE_BIG },
	{ POST, "/d", NULL, NULL, 1, NULL, ROUTE_RAW },
	{ POST, "/e", NULL, NULL, 1, NULL, ROUTE_RAW | ROUTE_NOTICE },
};
enum { PLAIN, LARGE, BIG, RAW, NOTICE };

static struct request *make(void *mem, int route, bool known, bool api)
{
	struct request *rq = request_new(mem);

	rq->method = POST;
	rq->route = &routes[route];
	rq->known = known;
	rq->api = api;
	return rq;
}

static char *filled(void *mem, size_t n)
{
	char *s = mem_resize(mem, NULL, n + 1);

	memset(s, 'x', n);
	s[n] = '\0';
	return s;
}

/* Who may send how much: one byte more is refused, and none is read. */
static void sizes(void *mem)
{
	static const struct {
		int route;
		bool known;
		size_t most;
		const char *says;
	} cases[] = {
		{ PLAIN, false, BODY_STRANGER_MAX, "64 KB" },
		{ LARGE, false, BODY_STRANGER_MAX, "64 KB" },
		{ BIG, false, BODY_STRANGER_MAX, "64 KB" },
		{ RAW, false, BODY_STRANGER_MAX, "64 KB" },
		{ NOTICE, false, BODY_NOTICE_MAX, "320 KB" },
		{ PLAIN, true, BODY_MAX, "1 MB" },
		{ LARGE, true, BODY_LARGE_MAX, "8 MB" },
		{ BIG, true, BODY_BIG_MAX, "100 MB" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct request *rq = make(mem, cases[i].route, cases[i].known, true);
		struct body_source *b = text_body(rq, parts, "", 0);
		const char *why;

		b->length = mem_printf(rq, "%zu", cases[i].most + 1);
		ok(receive_body(rq, &why) == ERR_TOO_LARGE,
		    "receive_body refuses more than %s", cases[i].says);
		ok(why && strstr(why, cases[i].says), "... and says so");
		is_int((int64_t)b->taken, 0, "... and reads nothing");
		is_int((int64_t)receive_most(rq), (int64_t)cases[i].most,
		    "receive_most knows it");
	}
}

static void refuses(void *mem)
{
	struct request *rq = make(mem, PLAIN, true, true);
	const char *why;

	text_body(rq, json, "{}", 2)->length = "5";
	ok(receive_body(rq, &why) == ERR_MALFORMED,
	    "receive_body refuses a body that ends too early");
	is_text(why, "The body ended too early.", "... and says so");
	rq = make(mem, PLAIN, true, true);
	text_body(rq, json, "{}", 2)->length = "-1";
	ok(receive_body(rq, &why) == ERR_MALFORMED, "... a length that is none");
	rq = make(mem, PLAIN, true, true);
	text_body(rq, json, "", 0)->refused = true;
	ok(receive_body(rq, &why) == ERR_TOO_LARGE, "... what nginx has refused");
	rq = make(mem, RAW, false, false);
	text_body(rq, json, "{", 1);
	ok(receive_body(rq, &why) == OK && text_equal(rq->body, "{"),
	    "receive_body reads whatever a raw route is sent");
	rq = make(mem, PLAIN, true, true);
	text_body(rq, "text/plain", "", 0);
	ok(receive_body(rq, &why) == OK, "... and nothing of any type");
}

/* JSON that is small and asks for much. */
static void bombs(void *mem)
{
	static const char *const each[] = { "{},", "[],", "0,", "[[[[]]]]," };
	int refused = 0;

	for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++) {
		struct request *rq = make(mem, PLAIN, true, true);
		struct buf *b = buf_new(rq);
		const char *why;
		struct cost c;

		buf_str(b, "{\"a\":[");
		while (b->len < BODY_MAX - 100)
			buf_str(b, each[i]);
		buf_str(b, "0]}");
		text_body(rq, json, b->data, b->len);
		cost_begin();
		refused += receive_body(rq, &why) == ERR_TOO_LARGE;
		c = cost_end();
		ok(c.peak <= BODY_MAX + 4096, "... %s: %zu bytes, %zu allocations",
		    each[i], c.peak, c.calls);
	}
	is_int(refused, 4, "receive_body refuses JSON made to take memory");
}

static int left_files(void)
{
	DIR *d = opendir("/tmp");
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)) != NULL)
		n += text_starts(e->d_name, "upload-");
	if (d)
		closedir(d);
	return n;
}

/* An upload is never in memory. */
static void upload(void *mem)
{
	enum { SIZE = 30 * 1024 * 1024 };
	static const char head[] = "--limit\r\nContent-Disposition: form-data; "
				   "name=\"file\"; filename=\"a.csv\"\r\n\r\n",
			  tail[] = "\r\n--limit--\r\n";
	struct request *rq = make(mem, BIG, true, true);
	size_t n = strlen(head) + SIZE + strlen(tail);
	char *all = filled(mem, n);
	const struct form_file *file;
	const char *why;
	struct cost c;
	enum err e;

	memcpy(all, head, strlen(head));
	memcpy(all + n - strlen(tail), tail, strlen(tail));
	text_body(rq, parts, all, n);
	cost_begin();
	e = receive_body(rq, &why);
	c = cost_end();
	ok(e == OK, "receive_body takes an upload");
	file = form_file(rq->form, "file");
	ok(file && file->len == SIZE && file->data[0] == 'x' &&
		file->data[SIZE - 1] == 'x',
	    "... whole");
	ok(c.peak < 256 * 1024, "... with %zu bytes of memory", c.peak);
	is_int(left_files(), 0, "... and leaves no file");
	mem_free(rq);
	rq = make(mem, BIG, true, true);
	text_body(rq, parts, all, n)->dir = "/nowhere";
	rq->log.least = LOG_ERROR + 1;
	ok(receive_body(rq, &why) == ERR_IO, "... and fails where it cannot write");
	rq = make(mem, BIG, true, true);
	text_body(rq, json, "{}", 2);
	ok(receive_body(rq, &why) == ERR_TYPE, "... and takes no JSON there");
}

/* A field of many megabytes beside the file is copied: it has a limit of its own. */
static void long_field(void *mem)
{
	struct request *rq = make(mem, BIG, true, true);
	struct buf *b = buf_new(mem);
	const char *why;

	buf_str(b, "--limit\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n");
	buf_str(b, filled(mem, (size_t)9 << 20));
	buf_str(b, "\r\n--limit--\r\n");
	text_body(rq, parts, b->data, b->len);
	ok(receive_body(rq, &why) == ERR_TOO_LARGE,
	    "receive_body refuses fields of 9 MB beside a file");
}

static void forms(void *mem)
{
	struct request *rq = make(mem, PLAIN, false, false);
	const char *why;

	text_body(rq, form, "a=1&b=2", 7);
	ok(receive_body(rq, &why) == OK, "receive_body reads a form of a stranger");
	is_text(form_get(rq->form, "b"), "2", "... its fields");
	rq = make(mem, PLAIN, true, false);
	text_body(rq, json, "{}", 2);
	ok(receive_body(rq, &why) == ERR_TYPE, "... and no JSON on a page");
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");

	sizes(mem);
	refuses(mem);
	bombs(mem);
	upload(mem);
	long_field(mem);
	forms(mem);
	mem_free(mem);
	return done_testing();
}
