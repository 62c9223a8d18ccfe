#pragma once

#include <stddef.h>

#include "db/db.h"

/*
 * What is counted of one campaign, as the report shows it.  Rollups only, never events,
 * so a report costs the same at any number of events.  The campaign must be known to be
 * the brand's.
 */
enum err report_prepare(struct db *db) MUST_CHECK;

struct report_hour {
	int64_t hour; /* UTC ms of its beginning */
	/* first events of a recipient */
	int64_t opened, machine_opened, clicked;
};
/* At most REPORT_HOURS hours with events, from `from` (UTC ms) on, in order. */
enum { REPORT_HOURS = 24 * 365 };
enum err report_hours(struct db *db, void *mem, int64_t campaign, int64_t from,
    struct report_hour **out, size_t *n) MUST_CHECK;

struct report_link {
	int number;
	const char *url, *label;
	int64_t people, clicks, machines;
};
/* All links, most people first, at most max. */
enum err report_links(struct db *db, void *mem, int64_t campaign, size_t max,
    struct report_link **out, size_t *n) MUST_CHECK;
/* Where a link goes: as stored, may hold merge tags. ERR_NOTFOUND. */
enum err report_link_url(struct db *db, void *mem, int64_t campaign, int number,
    char **out) MUST_CHECK;

/* To how many people a mail in doubt was sent again. */
enum err report_resent(struct db *db, int64_t campaign, int64_t *out) MUST_CHECK;

struct report_client {
	const char *name;
	int64_t people;
};
enum err report_clients(struct db *db, void *mem, int64_t campaign, size_t max,
    struct report_client **out, size_t *n) MUST_CHECK;
