#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * What a host remembers of itself, in <state>/host: one line, written anew at each
 * visit.  The line names the file it stands in (inode and time of birth) and the
 * machine, so a copy knows that it is one: of a file, of a directory, of a disk.
 */
struct host_file {
	bool there;     /* it was read and could be understood */
	bool copied;    /* it was written elsewhere */
	char id[33];    /* 32 hex digits */
	char nonce[33]; /* of the last visit; "-" before the first */
	char next[33];  /* what the next visit writes into the database */
};

/* machine_file: what the system tells the machine by, /etc/machine-id; may be absent.
 */
enum err host_file_read(const char *state_dir, const char *machine_file,
    struct host_file *out) MUST_CHECK;
/* Replaces it durably, all or nothing. ERR_FULL, ERR_IO. */
enum err host_file_write(const char *state_dir, const char *machine_file,
    const struct host_file *f) MUST_CHECK;
