#include "service/sealed.h"

#include "base/mem.h"
#include "repo/sealed.h"

/* One walk through everything that is sealed. */
struct walk {
	struct db *db;
	const struct keyring *keys;
	bool renew;
	struct sealed_count *count;
};

static const char *context_of(void *mem, size_t column, int64_t id)
{
	const struct sealed_column *all;

	sealed_columns(&all);
	return mem_printf(mem, "%s%lld", all[column].context, (long long)id);
}

static enum err renew(const struct walk *w, size_t column,
    const struct sealed_value *old)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "renew");
	const char *context = context_of(tmp, column, old->id);
	struct sealed_value fresh = { .id = old->id };
	char *plain;
	enum err e = secret_open(tmp, w->keys, context, old->box, old->len, &plain);

	if (e != OK)
		return e;
	fresh.box = secret_seal(tmp, w->keys, context, plain, &fresh.len);
	secret_wipe(plain);
	e = sealed_replace(w->db, column, old, &fresh);
	/* whoever changed it meanwhile has sealed it too */
	return e == ERR_NOTFOUND ? OK : e;
}

static bool opens(const struct walk *w, size_t column, const struct sealed_value *v)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "opens");
	char *plain;

	if (secret_open(tmp, w->keys, context_of(tmp, column, v->id), v->box, v->len,
		&plain) != OK)
		return false;
	secret_wipe(plain);
	return true;
}

static enum err take(const struct walk *w, size_t column, const struct sealed_value *v)
{
	if (!opens(w, column, v)) {
		w->count->unreadable++;
		return OK;
	}
	if (w->renew && !secret_is_newest(w->keys, v->box, v->len)) {
		w->count->newest++;
		return renew(w, column, v);
	}
	if (secret_is_newest(w->keys, v->box, v->len))
		w->count->newest++;
	else
		w->count->older++;
	return OK;
}

/* *after moves on; ERR_NOTFOUND at the end of the column. */
static enum err page(const struct walk *w, size_t column, int64_t *after)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "page");
	struct sealed_value *v;
	size_t n;
	TX_SCOPE tx = { 0 };
	enum err e = w->renew ? tx_begin(w->db, &tx) : OK;

	if (e == OK)
		e = sealed_page(w->db, tmp, column, *after, &v, &n);
	for (size_t i = 0; e == OK && i < n; i++) {
		e = take(w, column, &v[i]);
		*after = v[i].id;
	}
	if (e == OK && w->renew)
		e = tx_commit(&tx);
	return e == OK && n == 0 ? ERR_NOTFOUND : e;
}

static enum err go(const struct walk *w)
{
	const struct sealed_column *all;
	size_t n = sealed_columns(&all);
	enum err e = OK;

	*w->count = (struct sealed_count){ 0 };
	for (size_t i = 0; e == OK && i < n; i++) {
		int64_t after = 0;

		while (e == OK)
			e = page(w, i, &after);
		e = e == ERR_NOTFOUND ? OK : e;
	}
	return e;
}

enum err sealed_look(struct db *db, const struct keyring *k, struct sealed_count *out)
{
	struct walk w = { .db = db, .keys = k, .count = out };

	return go(&w);
}

enum err sealed_renew(struct db *db, const struct keyring *k, struct sealed_count *out)
{
	struct walk w = { .db = db, .keys = k, .renew = true, .count = out };

	return go(&w);
}
