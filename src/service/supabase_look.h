#pragma once

#include <stdbool.h>
#include <stddef.h>

struct app;

/* What the doctor finds about Supabase Auth. */
struct supabase_finding {
	enum { SUPABASE_WELL, SUPABASE_NOTE, SUPABASE_BAD } how;
	const char *text;
};
enum { SUPABASE_FINDINGS = 8 };
/* app has its database and its kv.  How many there are; 0: it is not configured. */
size_t supabase_look(struct app *app, void *mem,
    struct supabase_finding out[SUPABASE_FINDINGS]);
