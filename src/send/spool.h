#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "model/event.h"

/*
 * Opens and clicks are appended to a file of this process and synced before the answers
 * of all that came together, so that a locked or absent database loses no event and no
 * request waits for a writer. send/ingest reads the files into the database.
 *
 * A file is <state>/spool/<random>.spool: records of a fixed size.  Its writer holds a
 * shared flock on it; a file nobody holds is finished and is removed once it has been
 * ingested.
 */
struct spool;

/*
 * One open or click as it came; who made it is judged when it is read.  It is written
 * as it is, so it has no pointer and no padding.
 */
struct spool_record {
	uint32_t magic;
	uint8_t type; /* enum event_type: EVENT_OPEN or EVENT_CLICK */
	uint8_t unused[3];
	int64_t campaign, subscriber;
	int64_t at; /* UTC ms */
	int32_t link;
	char agent[AGENT_MAX]; /* User-Agent, printable ASCII; "" if there was none */
	uint32_t check;        /* CRC-32 of what stands before it */
};

/* As versions before the User-Agent was kept wrote it. */
struct spool_old_record {
	uint32_t magic;
	uint8_t type, machine;
	uint8_t client; /* enum client_family */
	uint8_t unused;
	int64_t campaign, subscriber;
	int64_t at;
	int32_t link;
	uint32_t check;
};

enum {
	SPOOL_MAGIC = 0x324c5053,
	SPOOL_OLD_MAGIC = 0x314c5053,
	SPOOL_FILE_MAX = 4 * 1024 * 1024
};

/* Makes <state_dir>/spool if absent; the file is made at the first append. */
enum err spool_open(void *mem, const char *state_dir, const struct log *lg,
    struct spool **out) MUST_CHECK;
/*
 * Durable once spool_sync has returned OK. ERR_FULL, ERR_IO otherwise (logged). Fills
 * magic and check.
 */
enum err spool_append(struct spool *s, struct spool_record *r) MUST_CHECK;
/* Records appended since the last spool_sync. */
int spool_unsynced(const struct spool *s);
/*
 * One sync for all of them.  ERR_FULL, ERR_IO (logged): some of them may be lost.
 */
enum err spool_sync(struct spool *s) MUST_CHECK;
/* Sets agent: what is longer is cut, what is not printable becomes a question mark. */
void spool_set_agent(struct spool_record *r, const char *agent);

/* ---- reading ---- */

/* How long each record of a file is, by the magic of its first. */
size_t spool_record_size(uint32_t magic);
/* True if the record at p, of that size, is whole and ours. */
bool spool_valid(const void *p, size_t size);
