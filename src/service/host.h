#pragma once

#include "app.h"
#include "repo/host.h"

/*
 * Whether this host may send (I14).  Each visit writes a fresh nonce into the database
 * and into <state>/host.  If they do not fit at the next visit, one of them is older
 * than the other: the database was restored, or one of them was copied.  Between visits
 * each intent leaves a mark (host_mark.h), which the database must have as well.
 * Otherwise the host is held: it sends nothing until a person has confirmed, for what
 * went out after the copy was made is not known here and would go out twice.
 *
 * A slice visits at its start, at its end if it has sent, and a pool when it stops.
 *
 *	new		no file, and the database knows other hosts or has sent mail
 *	copied		the file was written elsewhere: another machine or directory
 *	restored	the database is older than the file; this holds every host
 *
 * A database that has sent nothing confirms its first host by itself.  A copy that
 * takes the whole machine with it, such as the snapshot of a virtual disk, can be told
 * by memcached only, if that kept running.
 */
#define HOST_MACHINE_FILE "/etc/machine-id"

struct host_place {
	const char *state_dir;
	const char *machine_file; /* HOST_MACHINE_FILE */
	struct kv *kv;            /* the second witness; NULL: none */
	const struct keyring *keys;
};
struct host_place host_place_of(const struct app *app);

/*
 * A visit: one transaction and one small file, both synced; one process of a host at a
 * time.  Fills out->held and out->name; *changed: it came to be held, or was
 * introduced, just now.
 */
enum err host_visit(struct db *db, void *mem, const struct host_place *p, int64_t now,
    struct host *out, bool *changed) MUST_CHECK;
/* A last visit of a host that has visited before; any other is left alone. */
enum err host_leave(struct db *db, void *mem, const struct host_place *p,
    int64_t now) MUST_CHECK;
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
