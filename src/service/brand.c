#include "service/brand.h"

#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/brand.h"
#include "repo/provider.h"
#include "service/address.h"

/* A field that is sent, checked; else what stands. "" is allowed. */
static const char *address_of(struct form *f, void *mem, const char *name,
    const char *now)
{
	const char *text = form_line(f, name, 0, EMAIL_MAX), *why = NULL;
	struct address a;

	if (!form_has(f, name))
		return now;
	if (text_empty(text) || form_error(f, name))
		return "";
	if (address_parse(mem, text, &a, &why) != OK) {
		form_fail(f, name, "%s", why);
		return "";
	}
	return a.email;
}

static const char *line_of(struct form *f, const char *name, size_t max,
    const char *now)
{
	return form_has(f, name) ? form_line(f, name, 0, max) : now;
}

static void take_fields(struct brand *b, void *mem, struct form *f)
{
	b->name = line_of(f, "name", BRAND_NAME_MAX, b->name);
	if (text_empty(b->name))
		form_fail(f, "name",
		    "Give the brand a name. People see it as the sender.");
	b->from_name = line_of(f, "from_name", FROM_NAME_MAX, b->from_name);
	b->from_email = address_of(f, mem, "from_email", b->from_email);
	b->reply_to = address_of(f, mem, "reply_to", b->reply_to);
	if (form_has(f, "postal_address"))
		b->postal_address = form_text(f, "postal_address", 0, POSTAL_MAX);
	b->time_zone = line_of(f, "time_zone", 60, b->time_zone);
	if (text_empty(b->time_zone))
		b->time_zone = "UTC";
	if (!zone_exists(b->time_zone))
		form_fail(f, "time_zone",
		    "There is no such time zone. Write it like Europe/Berlin.");
}

static enum err make_rows(struct db *db, struct brand *b, int64_t user_id, int64_t now)
{
	struct provider_settings outbox = {
		.kind = PROVIDER_OUTBOX,
		.region = "",
		.endpoint = "",
		.configuration_set = "",
		.access_key_id = "",
		.account_key = "",
	};
	TX_SCOPE tx = { 0 };
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = brand_add(db, b, now);
	outbox.brand_id = b->id;
	if (e == OK)
		e = provider_settings_put(db, &outbox, now);
	if (e == OK && user_id)
		e = member_set(db, b->id, user_id, ROLE_OWNER, now);
	return e == OK ? tx_commit(&tx) : e;
}

enum err brand_create(struct db *db, void *mem, struct form *f, int64_t user_id,
    int64_t now, struct brand **out)
{
	struct brand *b = mem_new(mem, struct brand);

	b->name = b->from_name = b->from_email = b->reply_to = b->postal_address = "";
	b->time_zone = "UTC";
	take_fields(b, mem, f);
	if (!form_ok(f))
		return ERR_INVALID;
	if (text_empty(b->from_name))
		b->from_name = b->name;
	b->hook_token = id_random(b);
	*out = b;
	return make_rows(db, b, user_id, now);
}

enum err brand_change(struct db *db, void *mem, struct brand *b, struct form *f,
    int64_t now)
{
	struct brand changed = *b;

	take_fields(&changed, mem, f);
	if (!form_ok(f))
		return ERR_INVALID;
	*b = changed;
	return brand_set(db, b, now);
}
