#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A SQLite VFS for tests, over the system's own: it remembers what each file held at
 * its last sync and what was written since.  At a cut, the disk keeps all that was
 * synced and of the rest any part, in sectors of 512 bytes.  It can also be full.
 */

/* Makes it the default VFS of this process; before any database is opened. */
void tornvfs_begin(void);
/*
 * Called at every write and sync of a database or its log, before it happens; may call
 * tornvfs_cut.
 */
void tornvfs_watch(void (*fn)(void *ctx), void *ctx);
/*
 * What a power cut at this moment leaves of the database at path, written to `to` and
 * its log to `to`-wal.  Which of the unsynced sectors are there is random.
 */
bool tornvfs_cut(const char *path, const char *to);
/* From now on `bytes` more may be written, then the disk is full; -1: no limit. */
void tornvfs_room(int64_t bytes);
