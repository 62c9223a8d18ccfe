#pragma once

#include <stddef.h>
#include <stdarg.h>
#include <stdint.h>

/* A growing byte buffer.  data is always NUL-terminated (the NUL is not counted). */
struct buf {
	char *data;
	size_t len, cap;
};

struct buf *buf_new(void *mem);
void buf_reset(struct buf *b); /* len = 0, keeps the memory */
void buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, const char *s); /* NULL adds nothing */
void buf_char(struct buf *b, char c);
void buf_int(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
void buf_cut(struct buf *b, size_t len); /* shortens to len */
