#pragma once

#include <stdbool.h>

#include "base/err.h"

/*
 * A text as a QR code (ISO/IEC 18004): bytes, error correction M (15 % may be spoilt),
 * versions 1 to 15, so at most QR_TEXT_MAX bytes.
 */
enum { QR_TEXT_MAX = 412, QR_SIZE_MAX = 77 };

struct qr {
	int size;                            /* modules a side */
	bool dark[QR_SIZE_MAX][QR_SIZE_MAX]; /* [row][column] */
};

/* ERR_TOO_LARGE: it does not fit. */
enum err qr_make(const char *text, struct qr *out) MUST_CHECK;
/* The dark modules as the `d` of an SVG path, a unit each, `edge` units from 0,0. */
char *qr_path(void *mem, const struct qr *q, int edge);
