#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "http/body.h"
#include "http/request.h"

/* A target with its query, a body; text that is encoded comes back as it was. */
const size_t fuzz_max = 8000;

static void read_all(void *mem, struct form *f)
{
	int64_t *ids;

	form_text(f, "a", 1, 10);
	form_line(f, "a", 0, 10);
	form_body(f, "a", 100);
	form_int(f, "a", 0, 9, 1);
	form_bool(f, "a", true);
	form_time(f, "a", "Europe/Berlin");
	form_ids(f, mem, "a", 10, &ids);
	form_json(f, "a[b]");
}

static void round_trip(void *mem, const char *text)
{
	struct form *f = form_new(mem);
	const char *why = NULL,
		   *body = mem_printf(mem, "x=1&a=%s&y", url_encode(mem, text));

	if (!text_is_utf8(text, strlen(text)))
		return;
	FUZZ_CHECK(body_urlencoded(f, body, strlen(body), &why) == OK);
	FUZZ_CHECK(text_equal(form_get(f, "a"), text));
	FUZZ_CHECK(
	    text_equal(form_get(f, "x"), "1") && text_equal(form_get(f, "y"), ""));
}

void fuzz_one(void *mem, const char *s, size_t n)
{
	struct request *rq = request_new(mem);
	struct form *f = form_new(mem);
	const char *text = fuzz_text(mem, s, n), *why = NULL;

	if (body_urlencoded(f, s, n, &why) != OK)
		FUZZ_CHECK(!text_empty(why));
	read_all(mem, f);
	if (request_set_target(rq, text) != OK)
		FUZZ_CHECK(rq->broken != OK && !text_empty(rq->broken_why));
	else
		FUZZ_CHECK(rq->path[0] == '/');
	read_all(mem, rq->query);
	round_trip(mem, text);
}
