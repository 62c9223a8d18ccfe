#pragma once

#include "base/form.h"
#include "model/contact.h"

enum { IMPORT_SAMPLES = 1000 };

/* What an uploaded file turned out to be. */
struct import_file {
	/* as it is stored: UTF-8, without byte order mark */
	const char *data;
	size_t len;
	const char *encoding; /* for people: "UTF-8", "Windows-1252" ... */
	char delimiter;
	bool header; /* the first row has names, not data */
	size_t columns;
	const char **names; /* of the header, or "Column 1" ... */
	int64_t data_at;    /* byte where the first row of data begins */
	/* up to IMPORT_SAMPLES rows of `columns` cells */
	const char ***samples;
	size_t nsamples;
};

/*
 * Reads an upload.  ERR_INVALID with a sentence at "file": no file, empty, an Excel
 * workbook, a PDF, no text, too many columns, a name twice, no rows ...
 */
enum err import_file_read(void *mem, const struct form_file *up, struct form *f,
    struct import_file **out) MUST_CHECK;

/* Counts of the whole file; email: column of the addresses, or -1. */
struct import_scan {
	int64_t rows;
	/* rows without a valid address, or unreadable */
	int64_t bad;
	int64_t repeated; /* rows whose address came before */
};
/* ERR_INVALID with a sentence at "file" beyond IMPORT_ROWS. */
enum err import_file_scan(const struct import_file *x, int email, struct form *f,
    struct import_scan *out) MUST_CHECK;

/* "commas", "semicolons" ... */
const char *import_delimiter_name(char delimiter);
