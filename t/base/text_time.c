#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tap.h"

static const int64_t november = 1795510800000; /* 2026-11-24T09:00:00Z */

static void rfc3339(void *mem)
{
	is_text(time_rfc3339(mem, november), "2026-11-24T09:00:00Z",
	    "time_rfc3339 writes seconds");
	is_text(time_rfc3339(mem, november + 7), "2026-11-24T09:00:00.007Z",
	    "time_rfc3339 writes milliseconds when there are some");
	is_text(time_rfc3339(mem, -1), "1969-12-31T23:59:59.999Z",
	    "time_rfc3339 before 1970");
	is_text(time_rfc3339(mem, INT64_MAX), "9999-12-31T23:59:59.807Z",
	    "time_rfc3339 stays within four digits of year");
}

static int64_t parsed(const char *s)
{
	int64_t ms;

	return time_parse_rfc3339(s, &ms) ? ms : -77;
}

static void parsing(void)
{
	static const char *const bad[] = { "", "2026-11-24", "2026-11-24T09:00Z",
		"2026-11-24T09:00:00", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
		"2026-11-24T24:00:00Z", "2026-11-24T09:60:00Z", "2026-11-24T09:00:61Z",
		"2026-11-24T09:00:00.Z", "2026-11-24T09:00:00+1:00",
		"2026-11-24T09:00:00Zx", "2026-11-24T09:00:00+24:00",
		"0000-01-01T00:00:00Z", "26-11-24T09:00:00Z", NULL };
	int taken = 0;

	for (int i = 0; bad[i] != NULL; i++)
		taken += parsed(bad[i]) != -77;
	is_int(taken, 0, "time_parse_rfc3339 refuses what is not RFC 3339");
	is_int(parsed("2026-11-24T09:00:00Z"), november,
	    "time_parse_rfc3339 reads UTC");
	is_int(parsed("2026-11-24T10:30:00+01:30"), november,
	    "time_parse_rfc3339 reads an offset");
	is_int(parsed("2026-11-24T02:00:00-07:00"), november,
	    "time_parse_rfc3339 reads a minus");
	is_int(parsed("2026-11-24t09:00:00.1239z"), november + 123,
	    "time_parse_rfc3339 cuts below milliseconds");
	is_int(parsed("2024-02-29T00:00:00Z"), 1709164800000,
	    "time_parse_rfc3339 knows leap years");
	is_int(parsed("2016-12-31T23:59:60Z"), 1483228800000,
	    "time_parse_rfc3339 takes a leap second");
	ok(date_valid("2024-02-29") && !date_valid("2023-02-29") &&
		!date_valid("2100-02-29") && date_valid("2000-02-29"),
	    "date_valid knows leap years");
	ok(!date_valid("2026-1-1") && !date_valid("2026-01-01 ") &&
		!date_valid("2026-04-31") && !date_valid(NULL),
	    "date_valid refuses other forms");
}

static void zones(void)
{
	ok(zone_exists("Europe/Berlin") && zone_exists("UTC") &&
		zone_exists("America/Argentina/Buenos_Aires"),
	    "zone_exists knows IANA names");
	ok(!zone_exists("") && !zone_exists(NULL) && !zone_exists("Mars/Base"),
	    "zone_exists refuses what is none");
	ok(!zone_exists("../zoneinfo/UTC") && !zone_exists("/etc/localtime") &&
		!zone_exists("Europe/../UTC") && !zone_exists(":UTC"),
	    "zone_exists does not leave its folder");
	ok(!zone_exists("Europe") && !zone_exists("zone.tab") &&
		!zone_exists("tzdata.zi") && !zone_exists("right/UTC"),
	    "zone_exists refuses folders, tables and leap-second clocks");
}

static void showing(void *mem)
{
	const char *f = "%Y-%m-%d %H:%M %Z";
	char *long_text;

	is_text(time_local(mem, november, "Europe/Berlin", f), "2026-11-24 10:00 CET",
	    "time_local shows winter in Berlin");
	is_text(time_local(mem, 1782291600000, "Europe/Berlin", f),
	    "2026-06-24 11:00 CEST", "time_local shows summer in Berlin");
	is_text(time_local(mem, november, "Asia/Kathmandu", "%H:%M"), "14:45",
	    "time_local changes the zone");
	is_text(time_local(mem, november, "America/New_York", "%H:%M"), "04:00",
	    "time_local west");
	is_text(time_local(mem, november, "No/Such", f), "2026-11-24 09:00 UTC",
	    "time_local shows UTC for an unknown zone");
	is_text(time_local(mem, november, "../../etc/passwd", "%Z"), "UTC",
	    "time_local opens no other file");
	is_text(time_local(mem, november, "UTC", ""), "",
	    "time_local of no format is empty");
	long_text = time_local(mem, november, "UTC", "%99999999d");
	ok(strlen(long_text) < 5000, "time_local bounds what a format can ask for");
	setenv("TZ", "Asia/Tokyo", 1);
	is_text(time_local(mem, november, "Europe/Berlin", "%H"), "10",
	    "time_local does not care which zone the process was in");
}

static int64_t local(const char *s, const char *zone)
{
	int64_t ms;

	return time_parse_local(s, zone, &ms) ? ms : -77;
}

static void wall_clocks(void)
{
	is_int(local("2026-11-24T10:00", "Europe/Berlin"), november,
	    "time_parse_local in winter");
	is_int(local("2026-06-24 11:00:30", "Europe/Berlin"), 1782291630000,
	    "time_parse_local in summer, with seconds");
	is_int(local("2026-03-29T02:30", "Europe/Berlin"), -77,
	    "time_parse_local refuses the hour the clocks skip");
	is_int(local("2026-03-29T03:00", "Europe/Berlin"), 1774746000000,
	    "time_parse_local takes the first minute after it");
	is_int(local("2026-03-29T01:59", "Europe/Berlin"), 1774745940000,
	    "time_parse_local takes the last minute before it");
	is_int(local("2026-10-25T02:30", "Europe/Berlin"), 1792888200000,
	    "time_parse_local means the first of a repeated hour");
	is_int(local("2026-11-01T01:30", "America/New_York"), 1793511000000,
	    "time_parse_local means the first one west of Greenwich too");
	is_int(local("2011-12-30T12:00", "Pacific/Apia"), -77,
	    "time_parse_local refuses the day Samoa skipped");
	is_int(local("2026-10-04T02:15", "Australia/Lord_Howe"), -77,
	    "time_parse_local knows half-hour gaps");
	is_int(local("2026-11-24T09:00", "No/Such"), november,
	    "time_parse_local falls back on UTC");
	is_int(local("2026-11-24", "UTC"), -77, "time_parse_local wants a time");
	is_int(local("2026-11-24T9:00", "UTC"), -77,
	    "time_parse_local wants two digits");
	is_int(local("2026-11-31T09:00", "UTC"), -77,
	    "time_parse_local refuses 31 November");
	is_int(local(NULL, "UTC"), -77, "time_parse_local refuses NULL");
}

/* What is shown and read again is the same moment, all through a year of odd zones. */
static void round_trip(void *mem)
{
	static const char *const names[] = { "Europe/Berlin", "America/Sao_Paulo",
		"Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca",
		"Pacific/Chatham", NULL };
	int wrong = 0, repeated = 0;

	for (int z = 0; names[z] != NULL; z++) {
		for (int64_t t = 1767225600000; t < 1798761600000; t += 2700000) {
			char *s = time_local(mem, t, names[z], "%Y-%m-%dT%H:%M:%S");
			int64_t back = local(s, names[z]);

			mem_free(s);
			/* only a clock shown twice may answer an earlier moment */
			repeated += back != t;
			wrong += back > t || t - back > 3600000;
		}
	}
	is_int(wrong, 0, "time_parse_local reads what time_local shows");
	ok(repeated > 0 && repeated < 20, "only repeated hours are ambiguous (%d)",
	    repeated);
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");

	rfc3339(mem);
	parsing();
	zones();
	showing(mem);
	wall_clocks();
	round_trip(mem);
	mem_free(mem);
	return done_testing();
}
