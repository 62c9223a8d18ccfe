#include "service/system_sender.h"

#include "base/mem.h"
#include "base/text.h"
#include "repo/brand.h"
#include "repo/provider.h"
#include "repo/setting.h"

static const char setting[] = "system_brand";

/* The oldest that has a sender's address, whatever others set up since. */
static enum err oldest(struct db *db, void *mem, struct brand **out)
{
	struct brand *all;
	size_t n;
	enum err e = brand_list(db, mem, 0, &all, &n);

	*out = NULL;
	for (size_t i = 0; e == OK && i < n; i++)
		if (!text_empty(all[i].from_email) && (!*out || all[i].id < (*out)->id))
			*out = &all[i];
	return e == OK && !*out ? ERR_NOTFOUND : e;
}

/* ERR_NOTFOUND: none was chosen, or it is gone. */
static enum err chosen(struct db *db, void *mem, struct brand **out)
{
	int64_t id;
	char *value;
	enum err e = setting_get(db, mem, setting, &value);

	if (e == OK && !text_to_int(value, 1, INT64_MAX, &id))
		e = ERR_NOTFOUND;
	return e == OK ? brand_get(db, mem, id, out) : e;
}

enum err system_sender_find(struct db *db, void *mem, struct system_sender *out)
{
	struct provider_settings *p;
	enum err e;

	*out = (struct system_sender){ 0 };
	e = chosen(db, mem, &out->brand);
	out->chosen = e == OK;
	if (e == ERR_NOTFOUND)
		e = oldest(db, mem, &out->brand);
	if (e == OK)
		e = provider_settings_get(db, mem, out->brand->id, &p);
	if (e == OK)
		out->outbox = p->kind == PROVIDER_OUTBOX;
	return e;
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
