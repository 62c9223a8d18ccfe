#pragma once

#include "db/db.h"
#include "repo/host.h"

/*
 * Whether this host may send (I14).  Each visit writes a fresh nonce into the database
 * and into <state>/host.  If they do not fit at the next visit, one of them is older
 * than the other: the database was restored, or one of them was copied.  Then the host
 * is held: it sends nothing until a person has confirmed, for what went out after the
 * copy was made is not known here and would go out twice.
 *
 *	new		no file, and the database knows other hosts or has sent mail
 *	copied		the file was written elsewhere: another machine or directory
 *	restored	the database is older than the file; this holds every host
 *
 * A database that has sent nothing confirms its first host by itself.  A copy that
 *takes the whole machine with it, such as the snapshot of a virtual disk, cannot be
 *told.
 */
#define HOST_MACHINE_FILE "/etc/machine-id"

struct host_place {
	const char *state_dir;
	const char *machine_file; /* HOST_MACHINE_FILE */
};

/*
 * A visit: one transaction and one small file, both synced; one process of a host at a
 * time.  Fills out->held and out->name; *changed: it came to be held, or was
 * introduced, just now.
 */
enum err host_visit(struct db *db, void *mem, const struct host_place *p, int64_t now,
    struct host *out, bool *changed) MUST_CHECK;
/*
 * Somebody has looked: nothing is held any more.  With `pause` the campaigns that would
 * go on by themselves are paused first, in the same transaction; *paused counts them.
 */
enum err host_confirm(struct db *db, bool pause, int64_t now,
    int64_t *paused) MUST_CHECK;
/* The same word, static; NULL when nothing is held. */
const char *host_held_word(const char *held);
/* What happened, as a sentence; "" when nothing is held. */
const char *host_held_sentence(const char *held);
