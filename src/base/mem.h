#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

/*
 * Memory is a talloc tree; every function that returns memory takes `void *mem`,
 * its owner, first.  Allocation never returns NULL: exhaustion aborts.
 * Nothing outside this file calls malloc or talloc.
 */
#define mem_new(mem, type) ((type *)mem_zero((mem), sizeof(type), #type))
#define mem_array(mem, type, n)                                                        \
	((type *)mem_zero_array((mem), sizeof(type), (n), #type))

/* An empty context named for leak reports; parent may be NULL (root). */
void *mem_scope(void *parent, const char *name);
/*
 * The same with `size` bytes set aside: what is made in it comes from there while it
 * lasts, several times faster, and is given back only with the whole.  For many small
 * things.
 */
void *mem_pool(void *parent, const char *name, size_t size);
void *mem_zero(void *mem, size_t size, const char *name);
/* Aborts on overflow of size * n. */
void *mem_zero_array(void *mem, size_t size, size_t n, const char *name);
/* Grows `p` (may be NULL) to n bytes; new bytes are zero. */
void *mem_resize(void *mem, void *p, size_t n);
/* NULL gives NULL. */
char *mem_str(void *mem, const char *s);
char *mem_strn(void *mem, const char *s, size_t n);
void *mem_copy(void *mem, const void *p, size_t n);
char *mem_printf(void *mem, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *mem_vprintf(void *mem, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
/* NULL is allowed. */
void mem_free(void *p);
void *mem_move(void *new_owner, void *p);
/* Gives what is free back to the system: before a fork, and when there is time. */
void mem_trim(void);
/* `fn` runs when `p` is freed; it returns 0. One per object. */
#define mem_on_free(p, fn) talloc_set_destructor((p), (fn))

/*
 * A test that defines it says for which allocation there is no memory; asked in a build
 * with --enable-failpoints only.
 */
bool mem_out(void);

/*
 * Frees a context at the end of the scope: MEM_SCOPE void *tmp = mem_scope(NULL, "x");
 */
void mem_scope_done(void *ctx);
#define MEM_SCOPE __attribute__((cleanup(mem_scope_done)))
