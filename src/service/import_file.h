#pragma once

#include "base/form.h"
#include "model/contact.h"
#include "service/import_words.h"

enum { IMPORT_SAMPLES = 1000 };

/* What an uploaded file turned out to be. */
struct import_file {
	/* as it is stored: UTF-8, without byte order mark */
	const char *data;
	size_t len;
	const char *encoding; /* import_encoding_at */
	bool doubtful;        /* another encoding is nearly as likely */
	bool mixed;           /* some lines are UTF-8 */
	bool escaped;         /* quotes were written after backslashes */
	char delimiter;
	bool header;    /* a row has names, not data */
	int64_t titles; /* lines above it that are no rows */
	int year;       /* it is, for years of two digits */
	size_t columns;
	const char *
	    *names;      /* of the header, or "Column 1" ...; "Email 2" if repeated */
	int64_t data_at; /* byte where the first row of data begins */
	/* up to IMPORT_SAMPLES rows of `columns` cells */
	const char ***samples;
	size_t nsamples;
};

/*
 * Reads an upload, in the encoding that the form names or that it seems to have.
 * ERR_INVALID with a sentence at "file": no file, empty, an Excel workbook, a PDF, no
 * text, too many columns, no rows ...; or at "encoding".
 */
enum err import_file_read(void *mem, const struct form_file *up, struct form *f,
    struct import_file **out) MUST_CHECK;

/* Counts of the whole file; email: column of the addresses, or -1. */
struct import_scan {
	int64_t rows;
	/* rows without a valid address, or unreadable */
	int64_t bad;
	int64_t repeated; /* rows whose address came before */
	/* of each column; owned by the file */
	struct import_words *words;
};
/* ERR_INVALID with a sentence at "file" beyond IMPORT_ROWS. */
enum err import_file_scan(struct import_file *x, int email, struct form *f,
    struct import_scan *out) MUST_CHECK;

/* "commas", "semicolons" ... */
const char *import_delimiter_name(char delimiter);
