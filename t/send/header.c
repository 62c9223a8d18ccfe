#include "send/message.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/outbox.h"
#include "send/mime.h"
#include "tap.h"

/* What would begin a header of its own, or hide one. */
static const char *const breaking[] = {
	"a\r\nBcc: all@evil.example",
	"a\nBcc: all@evil.example",
	"a\rBcc: all@evil.example",
	"a\r\n\r\n<html>",
	"a\r\n Bcc: folded@evil.example",
	"a\n\tBcc: folded@evil.example",
	"a\x0b"
	"Bcc: x",
	"a\x0c"
	"Bcc: x",
	"a\xc2\x85"
	"Bcc: x",
	"a\xc2\x9b"
	"31m",
	"a\x1b]0;title\x07",
	"a\x7f",
	"a\tb",
	"\r\n",
	"a\r\n.\r\nMAIL FROM:<x>",
};

/* Fit for a header, but read as something else by a careless writer. */
static const char *const odd[] = {
	"a\xe2\x80\xa8"
	"Bcc: all@evil.example",
	"a\xe2\x80\xa9"
	"Bcc: all@evil.example",
	"%0d%0aBcc: all@evil.example",
	"\\r\\nBcc: all@evil.example",
	"a <b@evil.example>",
	"a\" <b@evil.example>, \"c",
	"a, b@evil.example",
	"a; b",
	"(comment) a",
	"a\\",
	"\"",
	"Bcc: all@evil.example",
	"\xe5\x98\x8a\xe5\x98\x8d"
	"Bcc: all@evil.example",
	"\xf0\x9f\x92\xa9\xf0\x9f\x92\xa9\xf0\x9f\x92\xa9\xf0\x9f\x92\xa9\xf0\x9f\x92"
	"\xa9\xf0\x9f\x92\xa9\xf0\x9f\x92\xa9\xf0\x9f\x92\xa9\xf0\x9f\x92\xa9\xf0\x9f"
	"\x92\xa9\xf0\x9f\x92\xa9\xf0\x9f\x92\xa9\xf0\x9f\x92\xa9\xf0\x9f\x92\xa9",
};

static struct message fit(void)
{
	return (struct message){ .from = "Acme <news@acme.example>",
		.to = "ann@x.example",
		.reply_to = "help@acme.example",
		.subject = "Hello",
		.html = "",
		.text = "x" };
}

static bool refused(const struct message *m)
{
	const char *why = NULL;

	return message_check(m, &why) == ERR_INVALID && !text_empty(why);
}

static void refusing(void)
{
	struct message m = fit();
	const char *why;

	ok(message_check(&m, &why) == OK && message_ready(&m, &why) == OK,
	    "message_check takes a plain message");
	for (size_t i = 0; i < sizeof(breaking) / sizeof(*breaking); i++) {
		m = fit();
		m.subject = breaking[i];
		ok(refused(&m), "message_check refuses the subject %s", breaking[i]);
		m = fit();
		m.from = breaking[i];
		ok(refused(&m), "... as the sender");
		m = fit();
		m.reply_to = breaking[i];
		ok(refused(&m), "... as the reply address");
		m = fit();
		m.to = breaking[i];
		ok(refused(&m), "... as the recipient");
		m = fit();
		m.headers[0] = (struct mail_header){ "List-Id", breaking[i] };
		m.nheaders = 1;
		ok(refused(&m), "... as a header");
		m.headers[0] = (struct mail_header){ breaking[i], "x" };
		ok(refused(&m), "... as a header's name");
	}
	m = fit();
	m.subject = "";
	ok(message_check(&m, &why) == OK && message_ready(&m, &why) == ERR_INVALID,
	    "message_ready refuses an empty subject");
	m = fit();
	m.to = "ann@x.example, bob@x.example";
	ok(refused(&m), "message_check refuses two recipients");
}

/* Lines of the head that begin a header. */
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

static GMimeMessage *parsed(const char *raw)
{
	GMimeStream *s = g_mime_stream_mem_new_with_buffer(raw, strlen(raw));
	GMimeParser *p = g_mime_parser_new_with_stream(s);
	GMimeMessage *m = g_mime_parser_construct_message(p, NULL);

	g_object_unref(p);
	g_object_unref(s);
	return m;
}

/* Written and read again: the same words, one sender, as many headers as ever. */
static void writing(void *mem, const char *text, int usual)
{
	struct outbox_message m = { .id = 1,
		.from_header = message_address(mem, text, "news@acme.example"),
		.to_email = "ann@x.example",
		.subject = text,
		.headers = "[[\"List-Id\",\"<brand-1.acme.example>\"]]",
		.html = "<p>x</p>",
		.text = "x",
		.created_at = 1700000000000 };
	const char *raw = mime_message(mem, &m);
	GMimeMessage *got = parsed(raw);
	InternetAddressList *from =
	    g_mime_message_get_addresses(got, GMIME_ADDRESS_TYPE_FROM);

	if (usual)
		is_int(headers_of(raw), usual, "mime_message adds no header for %s",
		    text);
	is_text(g_mime_message_get_subject(got), text, "... the subject comes back");
	is_int(internet_address_list_length(from), 1, "... one sender");
	is_text(internet_address_get_name(internet_address_list_get_address(from, 0)),
	    text, "... of that name");
	ok(g_mime_object_get_header(GMIME_OBJECT(got), "Bcc") == NULL,
	    "... and no Bcc");
	g_object_unref(got);
}

/* A name that looks like encoded words is encoded once more, and comes back as it was.
 */
static void encoded(void *mem)
{
	static const char *const names[] = {
		"=?UTF-8?B?DQpCY2M6IGFsbEBldmlsLmV4YW1wbGU=?=",
		"=?utf-8?q?=0D=0ABcc:_all=40evil.example?=",
		"=?",
		"a =?x?= b",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *text = message_address_ascii(mem, names[i], "a@b.example");
		InternetAddressList *l = internet_address_list_parse(NULL, text);

		is_int(internet_address_list_length(l), 1,
		    "message_address_ascii of %s is one address", names[i]);
		is_text(internet_address_get_name(
			    internet_address_list_get_address(l, 0)),
		    names[i], "... with that name");
		g_object_unref(l);
	}
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");
	struct outbox_message m = { .id = 1,
		.from_header = "Acme <news@acme.example>",
		.to_email = "ann@x.example",
		.subject = "Hello",
		.headers = "[[\"List-Id\",\"<brand-1.acme.example>\"]]",
		.html = "<p>x</p>",
		.text = "x" };
	int usual;

	refusing();
	usual = headers_of(mime_message(mem, &m));
	ok(usual >= 6, "a plain message has %d headers", usual);
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		writing(mem, odd[i], usual);
	encoded(mem);
	return done_testing();
}
