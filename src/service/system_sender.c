#include "service/system_sender.h"

#include "base/mem.h"
#include "base/text.h"
#include "repo/brand.h"
#include "repo/provider.h"
#include "repo/setting.h"

static const char setting[] = "system_brand";

/* How well a brand serves: an account before the outbox, and the older first. */
static int fitness(const struct brand *b, const struct provider_settings *p)
{
	if (text_empty(b->from_email))
		return 0;
	if (p->kind == PROVIDER_OUTBOX)
		return 1;
	return text_empty(p->access_key_id) || !p->secret ? 0 : 2;
}

static enum err look_for_one(struct db *db, void *mem, struct system_sender *out)
{
	struct provider_settings *p;
	struct brand *all;
	size_t n;
	int best = 0;
	enum err e = brand_list(db, mem, 0, &all, &n);

	for (size_t i = 0; e == OK && i < n; i++) {
		int fits;

		e = provider_settings_get(db, mem, all[i].id, &p);
		fits = e == OK ? fitness(&all[i], p) : 0;
		if (fits < best || fits == 0 ||
		    (fits == best && out->brand->id < all[i].id))
			continue;
		best = fits;
		out->brand = &all[i];
		out->outbox = p->kind == PROVIDER_OUTBOX;
	}
	return e == OK && best == 0 ? ERR_NOTFOUND : e;
}

/* ERR_NOTFOUND: none was chosen, or it is gone. */
static enum err chosen(struct db *db, void *mem, struct system_sender *out)
{
	struct provider_settings *p;
	int64_t id;
	char *value;
	enum err e = setting_get(db, mem, setting, &value);

	if (e == OK && !text_to_int(value, 1, INT64_MAX, &id))
		e = ERR_NOTFOUND;
	if (e == OK)
		e = brand_get(db, mem, id, &out->brand);
	if (e == OK)
		e = provider_settings_get(db, mem, id, &p);
	if (e != OK)
		return e;
	out->chosen = true;
	out->outbox = p->kind == PROVIDER_OUTBOX;
	return OK;
}

enum err system_sender_find(struct db *db, void *mem, struct system_sender *out)
{
	enum err e;

	*out = (struct system_sender){ 0 };
	e = chosen(db, mem, out);
	return e == ERR_NOTFOUND ? look_for_one(db, mem, out) : e;
}

enum err system_sender_choose(struct db *db, void *mem, struct form *f, int64_t now)
{
	int64_t id = form_int(f, setting, 0, INT64_MAX, 0);
	struct brand *b;
	enum err e = OK;

	if (!form_ok(f))
		return ERR_INVALID;
	if (id > 0)
		e = brand_get(db, mem, id, &b);
	if (e == ERR_NOTFOUND)
		return form_fail(f, setting, "There is no such brand. Choose another.");
	if (e == OK && id > 0 && text_empty(b->from_email))
		return form_fail(f, setting,
		    "%s has no sender’s address yet. Enter one in its settings first.",
		    b->name);
	if (e == OK)
		e = setting_put(db, setting, mem_printf(mem, "%lld", (long long)id),
		    now);
	return e;
}
