#pragma once

#include <stdbool.h>

#include "model/contact.h"

/*
 * What a file says about who may be mailed: the names of columns that say it and the
 * words in them, as mail services, shops and our own export write them, in several
 * languages.
 */

/* What one row says, from the mildest to the gravest; the gravest of a row counts. */
enum row_status {
	ROW_SILENT, /* nothing: the cell is empty */
	ROW_ACTIVE,
	ROW_UNCONFIRMED,
	ROW_UNSUBSCRIBED,
	ROW_MANUAL, /* blocked by somebody, for no reason we know */
	ROW_BOUNCED,
	ROW_COMPLAINED,
	ROW_UNKNOWN /* a word nobody here knows: the row must not come in by itself */
};

/* How the cells of a column are meant. */
enum status_column {
	STATUS_NONE,  /* the name says nothing of a status */
	STATUS_WORDS, /* "status": the cells are words */
	STATUS_LEFT,  /* "unsubscribed", "UNSUB_TIME": yes or a time means gone */
	STATUS_WANTS  /* "opted in": yes means may be mailed, no means may not */
};

struct status_meaning {
	enum status_column kind;
	/* what "yes" means in a column of STATUS_LEFT, "no" in one of STATUS_WANTS */
	enum row_status left;
	/* the name alone does not tell ("state" may be one of the United States) */
	bool weak;
};

/* What the name of a column promises. */
struct status_meaning import_status_of_name(const char *name);
/* What a cell says in such a column. */
enum row_status import_status_read(struct status_meaning m, const char *cell);
/* True for a word that alone names a status ("unsubscribed"; not "yes"). */
bool import_status_is_word(const char *cell);

/* "active", "unsubscribed", "manual" ...; NULL for silent and unknown. */
const char *import_status_name(enum row_status s);
/* Back: ROW_UNKNOWN for any other word. */
enum row_status import_status_from(const char *name);
/* True for a status that keeps somebody from being mailed for good. */
bool import_status_leaves(enum row_status s);
/* Of the subscriber who is stored with it. */
enum subscriber_status import_status_stored(enum row_status s);
