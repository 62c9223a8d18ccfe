#include "view/liquid_parts.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

/* The filter date: what people and machines write as a time, printed by strftime. */

static bool all_digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

/* Seconds since 1970; larger numbers are milliseconds, as our own models have them. */
static int64_t from_number(int64_t n)
{
	return n > 99999999999 || n < -99999999999 ? n : n * 1000;
}

/* "14:30", "14:30:10", "2:30 PM" after a date. */
static bool read_clock(const char *s, struct tm *tm)
{
	static const char *const formats[] = { "%H:%M:%S", "%I:%M:%S %p", "%I:%M %p",
		"%H:%M" };
	const char *end;
	size_t i;

	while (*s == ' ' || *s == ',')
		s++;
	if (*s == '\0')
		return true;
	for (i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		struct tm try = *tm;

		end = strptime(s, formats[i], &try);
		if (!end || *end)
			continue;
		*tm = try;
		return true;
	}
	return false;
}

/* "March 14, 2016", "14 March 2016", "2016-03-14 10:00" in the zone. */
static bool read_words(const char *s, const char *zone, int64_t *ms)
{
	static const char *const formats[] = {
		"%Y-%m-%d",
		"%Y/%m/%d",
		"%B %d, %Y",
		"%B %d %Y",
		"%d %B %Y",
		"%A, %B %d, %Y",
		"%a, %d %b %Y",
		"%m/%d/%Y",
	};
	char iso[40];
	size_t i;

	for (i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		struct tm tm = { 0 };
		const char *end = strptime(s, formats[i], &tm);

		if (!end || !read_clock(end, &tm))
			continue;
		strftime(iso, sizeof iso, "%Y-%m-%d %H:%M:%S", &tm);
		return time_parse_local(iso, zone, ms);
	}
	return false;
}

static bool read_text(struct run *r, const char *s, const char *zone, int64_t *ms)
{
	int64_t n;

	if (strcasecmp(s, "now") == 0 || strcasecmp(s, "today") == 0) {
		n = r->l->options.now_ms;
		*ms = n ? n : clock_now(&clock_system);
		return true;
	}
	if (all_digits(s) && text_to_int(s, 0, INT64_MAX / 1000, &n)) {
		*ms = from_number(n);
		return true;
	}
	return time_parse_rfc3339(s, ms) || read_words(s, zone, ms);
}

struct value filter_date(struct call *c)
{
	struct value format = call_text(c, 0);
	const char *zone = c->run->l->options.zone;
	struct buf *b;
	int64_t ms;
	bool good;

	if (c->in.type == VALUE_NIL || format.len == 0)
		return c->in;
	b = call_buf(c);
	if (c->count > 1 && c->args[1].type != VALUE_NIL) {
		struct value v = call_text(c, 1);

		zone = mem_strn(b, v.text, v.len);
		if (!zone_exists(zone))
			run_fail(c->run, "There is no time zone named \"%.60s\".",
			    zone);
	}
	if (c->in.type == VALUE_INT) {
		ms = from_number(c->in.number);
		good = true;
	} else {
		struct value v = call_in_text(c);

		good = v.len < 100 &&
		    read_text(c->run, mem_strn(b, v.text, v.len), zone, &ms);
	}
	if (!good || c->run->failed) {
		mem_free(b);
		return c->in;
	}
	buf_str(b, time_local(b, ms, zone, mem_strn(b, format.text, format.len)));
	return call_built(c, b);
}
