#include "send/mime.h"

#include <gmime/gmime.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "send/message.h"

/* g_mime_text_part_set_text would choose a smaller charset than UTF-8. */
static GMimeObject *text_part(const char *subtype, const char *text)
{
	GMimePart *part = g_mime_part_new_with_type("text", subtype);
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text, strlen(text));
	GMimeDataWrapper *data =
	    g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);

	g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset",
	    "utf-8");
	g_mime_part_set_content(part, data);
	g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	g_object_unref(data);
	g_object_unref(stream);
	return GMIME_OBJECT(part);
}

static void set_body(GMimeMessage *msg, const struct outbox_message *m)
{
	GMimeMultipart *both;
	GMimeObject *text = text_part("plain", m->text), *html;

	if (text_empty(m->html)) {
		g_mime_message_set_mime_part(msg, text);
		g_object_unref(text);
		return;
	}
	both = g_mime_multipart_new_with_subtype("alternative");
	html = text_part("html", m->html);
	g_mime_multipart_add(both, text);
	g_mime_multipart_add(both, html);
	g_mime_message_set_mime_part(msg, GMIME_OBJECT(both));
	g_object_unref(text);
	g_object_unref(html);
	g_object_unref(both);
}

static void add_list(InternetAddressList *to, const char *text)
{
	InternetAddressList *some = internet_address_list_parse(NULL, text);

	if (some == NULL)
		return;
	internet_address_list_append(to, some);
	g_object_unref(some);
}

static void set_date(GMimeMessage *msg, int64_t ms)
{
	GDateTime *at = g_date_time_new_from_unix_utc(ms / 1000);

	if (at == NULL)
		return;
	g_mime_message_set_date(msg, at);
	g_date_time_unref(at);
}

static void set_message_id(GMimeMessage *msg, const struct outbox_message *m)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "message_id");
	const char *at = strrchr(m->from_header, '@');
	size_t n = at != NULL ? strcspn(at + 1, "> \t\"") : 0;

	g_mime_message_set_message_id(msg,
	    mem_printf(tmp, "outbox-%lld@%.*s", (long long)m->id, n > 0 ? (int)n : 7,
		n > 0 ? at + 1 : "invalid"));
}

/* The message's own headers; they are ASCII already and stay as they are. */
static void add_headers(GMimeMessage *msg, const char *text)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "headers");
	struct json_object *all;
	const char *why;
	size_t i;

	if (json_read(tmp, text, strlen(text), &all, &why) != OK ||
	    !json_object_is_type(all, json_type_array))
		return;
	for (i = 0; i < json_object_array_length(all); i++) {
		struct json_object *pair = json_object_array_get_idx(all, i);

		if (!json_object_is_type(pair, json_type_array) ||
		    json_object_array_length(pair) != 2)
			continue;
		g_mime_object_append_header(GMIME_OBJECT(msg),
		    json_object_get_string(json_object_array_get_idx(pair, 0)),
		    json_object_get_string(json_object_array_get_idx(pair, 1)), NULL);
	}
}

static char *written(void *mem, GMimeMessage *msg)
{
	GMimeFormatOptions *o = g_mime_format_options_new();
	GMimeStream *stream = g_mime_stream_mem_new();
	GByteArray *bytes;
	char *text;

	g_mime_format_options_set_newline_format(o, GMIME_NEWLINE_FORMAT_DOS);
	g_mime_object_write_to_stream(GMIME_OBJECT(msg), o, stream);
	bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	text = mem_strn(mem, (const char *)bytes->data, bytes->len);
	g_object_unref(stream);
	g_mime_format_options_free(o);
	return text;
}

char *mime_message(void *mem, const struct outbox_message *m)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "mime");
	GMimeMessage *msg;
	char *text;

	g_mime_init(); /* counted; does nothing the second time */
	msg = g_mime_message_new(TRUE);
	add_list(g_mime_message_get_addresses(msg, GMIME_ADDRESS_TYPE_FROM),
	    m->from_header);
	add_list(g_mime_message_get_addresses(msg, GMIME_ADDRESS_TYPE_TO), m->to_email);
	/* GMime's own words are too long, and it leaves what looks like one */
	g_mime_message_set_subject(msg, message_words(tmp, m->subject), NULL);
	set_date(msg, m->created_at);
	set_message_id(msg, m);
	add_headers(msg, m->headers);
	set_body(msg, m);
	text = written(mem, msg);
	g_object_unref(msg);
	return text;
}
