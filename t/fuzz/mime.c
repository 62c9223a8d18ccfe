#include <gmime/gmime.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "repo/outbox.h"
#include "send/message.h"
#include "send/mime.h"

/*
 * Name, subject, a header and a text, each a line: refused by message_check, or written
 * as a message of just as many headers, with the words that were given.
 */
const size_t fuzz_max = 2000;

enum { NAME, SUBJECT, HEADER, TEXT, PARTS };

static int headers_of(const char *raw)
{
	const char *end = strstr(raw, "\r\n\r\n");
	int n = 0;

	for (const char *s = raw; s && s < end; s = strstr(s, "\r\n")) {
		s += s == raw ? 0 : 2;
		n += *s != ' ' && *s != '\t';
	}
	return n;
}

static const char *write_it(void *mem, char *const part[PARTS])
{
	struct json_object *all = json_arr(mem), *pair = json_arr(mem);
	struct outbox_message m = { .id = 1,
		.from_header = message_address(mem, part[NAME], "news@b.example"),
		.to_email = "ann@x.example",
		.subject = part[SUBJECT],
		.html = part[TEXT],
		.text = text_empty(part[TEXT]) ? "x" : part[TEXT] };

	json_push_text(pair, "X-Header");
	json_push_text(pair, part[HEADER]);
	json_push(all, pair);
	m.headers = json_write(mem, all);
	return mime_message(mem, &m);
}

static void compare(const char *raw, char *const part[PARTS])
{
	GMimeStream *s = g_mime_stream_mem_new_with_buffer(raw, strlen(raw));
	GMimeParser *p = g_mime_parser_new_with_stream(s);
	GMimeMessage *m = g_mime_parser_construct_message(p, NULL);

	FUZZ_CHECK(m != NULL);
	FUZZ_CHECK(internet_address_list_length(
		       g_mime_message_get_addresses(m, GMIME_ADDRESS_TYPE_TO)) == 1);
	FUZZ_CHECK(g_mime_object_get_header(GMIME_OBJECT(m), "Bcc") == NULL);
	FUZZ_CHECK(text_equal(g_mime_message_get_subject(m), part[SUBJECT]));
	g_object_unref(m);
	g_object_unref(p);
	g_object_unref(s);
}

void fuzz_one(void *mem, const char *s, size_t n)
{
	static int usual[2];
	static char *const plain[][PARTS] = { { "B", "S", "x", "x" },
		{ "B", "S", "x", "" } };
	char *rest = fuzz_text(mem, s, n), *part[PARTS];
	struct message m = { .to = "ann@x.example", .reply_to = "", .nheaders = 1 };
	const char *raw, *why;
	bool bare;

	for (int i = 0; i < PARTS; i++) {
		part[i] = i + 1 < PARTS ? strsep(&rest, "\n") : rest;
		part[i] = part[i] ? part[i] : "";
		if (!text_is_utf8(part[i], strlen(part[i])))
			return;
	}
	part[SUBJECT] = text_trim(mem, part[SUBJECT]);
	m.from = message_address_ascii(mem, part[NAME], "news@b.example");
	m.subject = part[SUBJECT];
	m.headers[0] = (struct mail_header){ "X-Header", part[HEADER] };
	if (message_ready(&m, &why) != OK || text_has_control(part[NAME]))
		return;
	for (int i = 0; i < 2; i++)
		if (!usual[i])
			usual[i] = headers_of(write_it(mem, plain[i]));
	bare = text_empty(part[TEXT]);
	raw = write_it(mem, part);
	FUZZ_CHECK(headers_of(raw) == usual[bare]);
	compare(raw, part);
}
