#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { DAY_S = 86400, FORMAT_MAX = 4096, ZONE_MAX = 64 };

static const int64_t year_1 = -62135596800; /* seconds: 0001-01-01 */
static const int64_t year_10000 = 253402300800;

/* Seconds, rounded down, kept within the years that have four digits. */
static time_t seconds(int64_t ms)
{
	int64_t s = ms / 1000 - (ms % 1000 < 0);

	if (s < year_1)
		return year_1;
	return s < year_10000 ? s : year_10000 - 1;
}

char *time_rfc3339(void *mem, int64_t ms)
{
	time_t s = seconds(ms);
	int milli = (int)(((ms % 1000) + 1000) % 1000);
	struct tm tm;
	char text[32];

	gmtime_r(&s, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	/* %Y has no leading zeros in glibc */
	return milli == 0
	    ? mem_printf(mem, "%04d%sZ", tm.tm_year + 1900, strchr(text, '-'))
	    : mem_printf(mem, "%04d%s.%03dZ", tm.tm_year + 1900, strchr(text, '-'),
		  milli);
}

/* ---- reading ---- */

/* Exactly n digits; *s moves past them. */
static bool digits(const char **s, int n, int *out)
{
	int v = 0;

	for (int i = 0; i < n; i++, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		v = v * 10 + (**s - '0');
	}
	*out = v;
	return true;
}

static bool letter(const char **s, const char *any_of)
{
	if (**s == '\0' || strchr(any_of, **s) == NULL)
		return false;
	(*s)++;
	return true;
}

static int month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static bool read_date(const char **s, struct tm *tm)
{
	int year, month, day;

	if (!digits(s, 4, &year) || !letter(s, "-") || !digits(s, 2, &month) ||
	    !letter(s, "-") || !digits(s, 2, &day))
		return false;
	if (year < 1 || month < 1 || month > 12 || day < 1 ||
	    day > month_days(year, month))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return true;
}

static bool read_minutes(const char **s, struct tm *tm)
{
	return digits(s, 2, &tm->tm_hour) && letter(s, ":") &&
	    digits(s, 2, &tm->tm_min) && tm->tm_hour < 24 && tm->tm_min < 60;
}

/* A leap second (:60) is the first of the next minute, as POSIX counts. */
static bool read_seconds(const char **s, struct tm *tm)
{
	return letter(s, ":") && digits(s, 2, &tm->tm_sec) && tm->tm_sec <= 60;
}

/* ".123456": milliseconds; further digits are cut. */
static bool read_fraction(const char **s, int *milli)
{
	int worth = 100;

	*milli = 0;
	if (!letter(s, "."))
		return true;
	if (**s < '0' || **s > '9')
		return false;
	for (; **s >= '0' && **s <= '9'; (*s)++, worth /= 10)
		*milli += (**s - '0') * worth;
	return true;
}

/* "Z" or "+01:00", in seconds. */
static bool read_offset(const char **s, int *offset)
{
	int sign = **s == '-' ? -1 : 1, hours, minutes;

	*offset = 0;
	if (letter(s, "Zz"))
		return true;
	if (!letter(s, "+-") || !digits(s, 2, &hours) || !letter(s, ":") ||
	    !digits(s, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*offset = sign * (hours * 3600 + minutes * 60);
	return true;
}

bool time_parse_rfc3339(const char *s, int64_t *ms)
{
	struct tm tm = { 0 };
	int milli, offset;

	if (s == NULL || !read_date(&s, &tm) || !letter(&s, "Tt ") ||
	    !read_minutes(&s, &tm) || !read_seconds(&s, &tm) ||
	    !read_fraction(&s, &milli) || !read_offset(&s, &offset) || *s != '\0')
		return false;
	*ms = ((int64_t)timegm(&tm) - offset) * 1000 + milli;
	return true;
}

bool date_valid(const char *s)
{
	struct tm tm;

	return s != NULL && read_date(&s, &tm) && *s == '\0';
}

/* ---- zones ---- */

/* A name as IANA makes them, which also cannot leave the folder. */
static bool is_zone_name(const char *zone)
{
	static const char fine[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789_+-/";

	if (text_empty(zone) || strlen(zone) > ZONE_MAX || zone[0] == '/')
		return false;
	/* "right/" counts leap seconds and would be off by half a minute */
	return strspn(zone, fine) == strlen(zone) && !text_starts(zone, "right/");
}

/* In force already: it was found before, and its rules are loaded. */
static bool is_entered(const char *zone)
{
	const char *now = getenv("TZ");

	return now != NULL && now[0] == ':' && strcmp(now + 1, zone) == 0;
}

bool zone_exists(const char *zone)
{
	char path[ZONE_MAX + 32], magic[4] = "";
	ssize_t n;
	int fd;

	if (!is_zone_name(zone))
		return false;
	if (is_entered(zone))
		return true;
	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	n = read(fd, magic, sizeof(magic));
	close(fd);
	return n == (ssize_t)sizeof(magic) && memcmp(magic, "TZif", sizeof(magic)) == 0;
}

/*
 * Makes localtime_r speak of `zone`, UTC if unknown.  The zone of the process is the
 * environment's TZ, which also tells what is in force; glibc keeps the loaded rules
 * until it changes.  Nothing else in the program uses local time, so it is not put
 * back.
 */
static void enter(const char *zone)
{
	char want[ZONE_MAX + 2];
	const char *now = getenv("TZ");

	if (is_zone_name(zone))
		snprintf(want, sizeof(want), ":%s", zone);
	else
		snprintf(want, sizeof(want), "UTC0");
	if (!text_equal(now, want)) {
		if (want[0] == ':' && !zone_exists(zone))
			snprintf(want, sizeof(want), "UTC0");
		setenv("TZ", want, 1);
	}
	tzset();
}

/*
 * strftime tells neither "empty" from "too long", so the format gets a mark in front.
 * The format may be an author's: %9999d and the like end at FORMAT_MAX.
 */
char *time_local(void *mem, int64_t ms, const char *zone, const char *format)
{
	char text[FORMAT_MAX];
	char *marked = mem_printf(mem, ".%s", format);
	time_t s = seconds(ms);
	struct tm tm;
	size_t n;

	enter(zone);
	localtime_r(&s, &tm);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	n = strftime(text, sizeof(text), marked, &tm);
#pragma GCC diagnostic pop
	mem_free(marked);
	return mem_strn(mem, text + (n > 0), n > 0 ? n - 1 : 0);
}

/* The moment at which clocks at `offset` from UTC show `wall`, if they do. */
static bool shows(int64_t wall, long offset, int64_t *out)
{
	time_t t = wall - offset;
	struct tm tm;

	localtime_r(&t, &tm);
	*out = t;
	return tm.tm_gmtoff == offset;
}

static long offset_at(time_t t)
{
	struct tm tm;

	localtime_r(&t, &tm);
	return tm.tm_gmtoff;
}

/*
 * mktime guesses at gaps and overlaps; here the offsets in force a day before and after
 * are tried.  A time the clocks skip has neither; of one they show twice, the first is
 * meant.
 */
static bool moment(int64_t wall, int64_t *out)
{
	int64_t before, after;
	bool shown_before = shows(wall, offset_at(wall - DAY_S), &before);
	bool shown_after = shows(wall, offset_at(wall + DAY_S), &after);

	if (!shown_before && !shown_after)
		return false;
	if (shown_before && shown_after)
		*out = before < after ? before : after;
	else
		*out = shown_before ? before : after;
	return true;
}

bool time_parse_local(const char *s, const char *zone, int64_t *ms)
{
	struct tm tm = { 0 };
	int64_t at;

	if (s == NULL || !read_date(&s, &tm) || !letter(&s, "T ") ||
	    !read_minutes(&s, &tm))
		return false;
	if (*s != '\0' && !read_seconds(&s, &tm))
		return false;
	if (*s != '\0')
		return false;
	enter(zone);
	if (!moment(timegm(&tm), &at))
		return false;
	*ms = at * 1000;
	return true;
}
