#include "base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <unistr.h>

#include "base/text.h"

/*
 * Built on the stack, so that a line comes out even when memory is short.  `room` is
 * kept free for what closes a line, so a cut line is still one JSON object.
 */
enum { LINE_MAX_BYTES = 4096, ROOM = 8, VALUE_MAX_BYTES = 1024 };

struct line {
	char data[LINE_MAX_BYTES];
	size_t len;
	bool full; /* something did not fit: no more fields */
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };

static void add(struct line *l, const char *p, size_t n)
{
	if (l->full || n > sizeof(l->data) - ROOM - l->len) {
		l->full = true;
		return;
	}
	memcpy(l->data + l->len, p, n);
	l->len += n;
}

static void add_format(struct line *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void add_format(struct line *l, const char *fmt, ...)
{
	char text[128];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		add(l, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/*
 * One character of a value; controls, quotes and bytes that are no UTF-8 cannot break
 * out.
 */
static void add_char(struct line *l, const char *s, int n, ucs4_t c)
{
	if (c == '"' || c == '\\')
		add_format(l, "\\%c", (int)c);
	else if (c == '\n')
		add(l, "\\n", 2);
	else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
		add_format(l, "\\u%04x", (unsigned)c);
	else if (c == 0xfffd)
		add(l, "\xef\xbf\xbd", 3);
	else
		add(l, s, (size_t)n);
}

/* Puts the value between quotes whatever happens: a value that does not fit is cut. */
static void add_quoted(struct line *l, const char *s)
{
	size_t left = strlen(s), from = l->len;
	bool cut = false;

	add(l, "\"", 1);
	if (l->full)
		return;
	while (left > 0 && !cut) {
		ucs4_t c;
		int n = u8_mbtouc(&c, (const uint8_t *)s, left);

		add_char(l, s, n, c);
		s += n;
		left -= (size_t)n;
		cut = l->full || (l->len - from > VALUE_MAX_BYTES && left > 0);
	}
	if (cut && !l->full)
		add(l, "...", 3);
	l->data[l->len++] = '"'; /* ROOM */
}

static void add_field(struct line *l, bool json, const char *key, const char *text,
    int64_t number)
{
	size_t start = l->len;
	size_t key_len = strlen(key);

	add(l, json ? ",\"" : " ", json ? 2 : 1);
	add(l, key, key_len);
	add(l, json ? "\":" : "=", json ? 2 : 1);
	if (l->full) {
		l->len = start; /* half a key is worse than none */
		return;
	}
	if (text != NULL)
		add_quoted(l, text);
	else
		add_format(l, "%" PRId64, number);
	if (l->full && text == NULL)
		l->len = start;
	if (l->full && text != NULL && l->data[l->len - 1] != '"')
		l->len = start;
}

static void add_start(struct line *l, const struct log *lg, enum log_level level,
    const char *event)
{
	struct timespec t;
	struct tm tm;
	char stamp[32];

	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	if (lg->json) {
		add_format(l,
		    "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"event\":", stamp,
		    t.tv_nsec / 1000000, level_names[level]);
		add_quoted(l, event);
	} else {
		add_format(l, "%s.%03ld %-5s ", stamp + 11, t.tv_nsec / 1000000,
		    level_names[level]);
		add(l, event, strlen(event));
	}
}

void log_write(const struct log *lg, enum log_level level, const char *event,
    const struct log_field *fields)
{
	struct line l = { .len = 0 };

	if (level < lg->least)
		return;
	add_start(&l, lg, level, event);
	if (lg->process != NULL)
		add_field(&l, lg->json, "process", lg->process, 0);
	if (lg->request != NULL)
		add_field(&l, lg->json, "request", lg->request, 0);
	if (lg->brand != 0)
		add_field(&l, lg->json, "brand", NULL, lg->brand);
	for (; fields->key != NULL && !l.full; fields++)
		add_field(&l, lg->json, fields->key, fields->text, fields->number);
	if (lg->json)
		l.data[l.len++] = '}';
	l.data[l.len++] = '\n';
	/*
	 * one write, so that lines of several processes do not mix; nowhere to report
	 * failure
	 */
	if (write(lg->fd, l.data, l.len) < 0)
		return;
}

enum log_level log_level_from(const char *name)
{
	for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
		if (text_equal(name, level_names[i]))
			return (enum log_level)i;
	}
	return LOG_INFO;
}
