#pragma once

#include "service/host.h"

/*
 * What tells a database that is older than the mail it has sent.  Each intent commits a
 * mark (repo/host.h); the slice then writes the same number outside the database, into
 * <state>/marks/<slot> and into memcached, and only then bytes may leave.  Whoever
 * finds a number outside that the database does not have knows that the database is
 * older.
 *
 * The number outside may be behind the database, never before it:
 * - a kill between the commit and the file leaves it behind;
 * - the commit is synced and the file is not, so a power cut keeps the commit, and of
 *   the file what it had before, nothing, or the same number;
 * - memcached may lose the number or keep an old one.
 * So what is behind, missing or not ours says nothing, and nobody is held for it.
 *
 * Slices of one host at once have a slot each, held by a lock of the kernel: two of
 * them commit in any order, and a backup may have the later intent without the earlier.
 */
struct host_marker;

/*
 * The lowest slot that is free, until it is freed; `host` is the id of this host, which
 * has visited.  ERR_FULL, ERR_IO.
 */
enum err host_marker_open(void *mem, struct db *db, const struct host_place *p,
    const char *host, struct host_marker **out) MUST_CHECK;
/* The mark of the next intent, which may fail: each number is used once. */
const struct host_mark *host_marker_next(struct host_marker *m);
/*
 * That intent has committed: its number is written outside.  Unless OK nothing of the
 * intent may be sent: ERR_FULL, ERR_IO.
 */
enum err host_marker_tell(struct host_marker *m) MUST_CHECK;
/* Something was told since it was opened. */
bool host_marker_told(const struct host_marker *m);

/* What is known outside the database, by slot. */
struct host_told {
	struct told {
		int64_t n;
		int64_t cached; /* what memcached has of this slot; -1: nothing */
	} * slot;               /* owned by mem of host_told_read */
	size_t n;
};
/* To be called before the database is read. */
void host_told_read(void *mem, const struct host_place *p, const char *host,
    struct host_told *out);
/*
 * In a transaction: *behind when the database has less than what was told.  Then both
 * have the greater number of each slot.
 */
enum err host_told_compare(struct db *db, const char *host, struct host_told *told,
    bool *behind) MUST_CHECK;
/* Tells memcached what it has lost. */
void host_told_cache(const struct host_place *p, const char *host,
    const struct host_told *told);
