#include "service/reach.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "repo/campaign.h"

enum { SLOW_MS = 50, REMEMBERED_S = 60 };

static void add_ids(struct buf *b, const int64_t *ids, size_t n)
{
	buf_char(b, '/');
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%lld,", (long long)ids[i]);
}

/* All that the count depends on, but the people. */
static char *key_of(void *mem, const struct campaign *c)
{
	struct buf *b = buf_new(mem);

	buf_printf(b, "%lld/%d/%lld", (long long)c->brand_id, (int)c->audience_kind,
	    (long long)c->parent_id);
	add_ids(b, c->lists, c->nlists);
	add_ids(b, c->exclude_lists, c->nexclude_lists);
	return kv_key(mem, "reach", b->data);
}

enum err reach_measure(struct db *db, struct kv *kv, const struct campaign *c,
    int64_t *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "reach");
	const char *key = key_of(tmp, c);
	int64_t start = clock_mono_ms();
	long long n;
	char *seen;
	size_t len;
	enum err e;

	if (kv && kv_get(kv, tmp, key, &seen, &len) == OK &&
	    sscanf(seen, "%lld", &n) == 1 && n >= 0) {
		*out = n;
		return OK;
	}
	e = campaign_reach(db, c, out);
	if (e == OK && kv && clock_mono_ms() - start > SLOW_MS) {
		seen = mem_printf(tmp, "%lld", (long long)*out);
		(void)kv_set(kv, key, seen, strlen(seen), REMEMBERED_S);
	}
	return e;
}
