#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* ---- strings (UTF-8) ---- */
bool text_is_utf8(const char *s, size_t n);
/* Characters, not bytes. */
size_t text_length(const char *s);
/* Copy without leading and trailing white space (Unicode). */
char *text_trim(void *mem, const char *s);
/* Unicode simple lower case (locale-free). */
char *text_lower(void *mem, const char *s);
bool text_equal(const char *a, const char *b);        /* NULL equals only NULL */
bool text_equal_nocase(const char *a, const char *b); /* ASCII case */
bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix);
bool text_empty(const char *s); /* NULL or "" */
/* True if s has CR, LF, NUL-adjacent or other C0/C1 controls: unfit for a header. */
bool text_has_control(const char *s);
/* The same, but line feeds and tabs are fine: unfit for a text of several lines. */
bool text_has_odd_control(const char *s);
/* A copy in one line: each control, line and paragraph separator is a space. */
char *text_one_line(void *mem, const char *s);
/* Bytes of Latin-1 / Windows-1252 to UTF-8. */
char *text_from_latin1(void *mem, const char *s, size_t n);
/* "12,345": thousands with commas, for people. */
char *text_count(void *mem, int64_t n);

/* Decimal integer, whole string, within [min, max]; false otherwise. */
bool text_to_int(const char *s, int64_t min, int64_t max, int64_t *out);
bool text_to_double(const char *s, double *out); /* C locale, finite only */

/* ---- URL ---- */
char *url_encode(void *mem, const char *s); /* RFC 3986 unreserved kept */
char *url_encode_n(void *mem, const char *s, size_t n);
/*
 * %XX and, if plus, '+' for space; out is NUL-terminated, *len its bytes. False on bad
 * %XX or NUL.
 */
bool url_decode(void *mem, const char *s, size_t n, bool plus, char **out, size_t *len);

/* ---- time: UTC milliseconds <-> text ---- */
/* "2026-11-24T09:00:00Z" (RFC 3339; milliseconds only when not zero). */
char *time_rfc3339(void *mem, int64_t ms);
/* RFC 3339 with Z or an offset. */
bool time_parse_rfc3339(const char *s, int64_t *ms);
/* IANA name, as in /usr/share/zoneinfo */
bool zone_exists(const char *zone);
/* strftime(3) of ms in the zone ("UTC" if unknown). */
char *time_local(void *mem, int64_t ms, const char *zone, const char *format);
/*
 * "2026-11-24T09:00" or "2026-11-24 09:00[:ss]" wall clock in the zone. False if no
 * such time.
 */
bool time_parse_local(const char *s, const char *zone, int64_t *ms);
/* "2026-11-24", as a date field stores it; false if no such day. */
bool date_valid(const char *s);
