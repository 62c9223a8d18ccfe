#include "send/message.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

enum { WORD_BYTES = 45 }; /* of UTF-8 in one RFC 2047 word: 60 characters of base64 */

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e)
			return false;
	return true;
}

static const char *check_header(const struct mail_header *h)
{
	if (text_empty(h->name) || !is_ascii(h->name) || strpbrk(h->name, ": "))
		return "A header has no fit name.";
	if (!is_ascii(h->value) || strlen(h->value) > HEADER_VALUE_MAX)
		return "A header's value is too long or holds characters that a header "
		       "cannot.";
	return NULL;
}

enum err message_check(const struct message *m, const char **why)
{
	*why = NULL;
	if (text_has_control(m->subject))
		*why =
		    "The subject would hold a line break or another control character.";
	else if (text_has_control(m->from) || text_has_control(m->reply_to))
		*why = "The sender or the reply address holds a control character.";
	else if (text_empty(m->to) || text_has_control(m->to) ||
	    strpbrk(m->to, " <>,;\"") || strlen(m->to) > ADDRESS_MAX)
		*why = "The address is not one plain address.";
	for (size_t i = 0; !*why && i < m->nheaders; i++)
		*why = check_header(&m->headers[i]);
	return *why ? ERR_INVALID : OK;
}

enum err message_ready(const struct message *m, const char **why)
{
	enum err e = message_check(m, why);

	if (e != OK || !text_empty(m->subject))
		return e;
	*why = "The subject is empty for this person: its merge tags have no value. "
	       "Write a default.";
	return ERR_INVALID;
}

/*
 * A phrase needs quotes as soon as it holds anything but atoms and spaces (RFC
 * 5322, 3.2.3).
 */
static bool is_phrase(const char *s)
{
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) &&
		    !strchr(" !#$%&'*+-/=?^_`{|}~", *s) && (unsigned char)*s < 0x80)
			return false;
	return true;
}

static void add_quoted(struct buf *b, const char *s)
{
	buf_char(b, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_char(b, '\\');
		buf_char(b, *s);
	}
	buf_char(b, '"');
}

char *message_address(void *mem, const char *name, const char *address)
{
	struct buf *b = buf_new(mem);

	if (text_empty(name)) {
		buf_str(b, address);
		return b->data;
	}
	if (is_phrase(name))
		buf_str(b, name);
	else
		add_quoted(b, name);
	buf_printf(b, " <%s>", address);
	return b->data;
}

static bool between_characters(const char *s, size_t n)
{
	return ((unsigned char)s[n] & 0xc0) != 0x80;
}

/*
 * Bytes of the next word: whole characters, and threes if that can be, since some
 * readers stop at the = that ends other lengths.
 */
static size_t word_length(const char *s)
{
	size_t n = strlen(s), cut = WORD_BYTES;

	if (n <= WORD_BYTES)
		return n;
	while (cut > 0 && !between_characters(s, cut))
		cut -= 3;
	if (cut > 0)
		return cut;
	for (cut = WORD_BYTES; cut > 1 && !between_characters(s, cut);)
		cut--;
	return cut;
}

char *message_words(void *mem, const char *text)
{
	struct buf *b;

	if (is_ascii(text) && !strstr(text, "=?"))
		return mem_str(mem, text);
	b = buf_new(mem);
	for (const char *s = text; *s;) {
		size_t n = word_length(s);

		buf_printf(b, "%s=?UTF-8?B?%s?=", b->len ? " " : "",
		    base64_encode(mem, s, n));
		s += n;
	}
	return b->data;
}

char *message_address_ascii(void *mem, const char *name, const char *address)
{
	if (text_empty(name) || (is_ascii(name) && !strstr(name, "=?")))
		return message_address(mem, name, address);
	return mem_printf(mem, "%s <%s>", message_words(mem, name), address);
}
