#include "service/api_key.h"

#include <string.h>

#include "base/crypto.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/api_key.h"

enum {
	NAME_MAX_CHARS = 60,
	PREFIX_CHARS = 9,
	USED_EVERY_MS = 60 * 1000,
	KEY_CHARS = 3 + 43,
	DAYS_MAX = 3650
};

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static void hash_key(const char *text, uint8_t hash[32])
{
	sha256(text, strlen(text), hash);
}

/* "read,write" as text, or an array of words, as a form with check boxes sends it. */
static const char *scope_words(struct form *f, void *mem)
{
	struct json_object *o = form_json(f, "scopes");
	const char *text = form_get(f, "scopes");
	char *all = mem_str(mem, "");

	if (!o || json_object_get_type(o) != json_type_array)
		return text ? text : "";
	for (size_t i = 0; i < json_object_array_length(o); i++) {
		struct json_object *word = json_object_array_get_idx(o, i);

		all = mem_printf(mem, "%s%s,", all,
		    word ? json_object_get_string(word) : "");
	}
	return all;
}

static unsigned wanted_scopes(struct form *f, void *mem, unsigned most)
{
	unsigned bits = 0;

	if (!scopes_from(scope_words(f, mem), &bits))
		form_fail(f, "scopes",
		    "The scopes are read, write, send, transactional and manage.");
	else if (!bits)
		form_fail(f, "scopes", "Choose at least one thing the key may do.");
	else if (bits & ~most & SCOPE_MANAGE)
		form_fail(f, "scopes", "Only an owner gives the scope manage.");
	else if (bits & ~most)
		form_fail(f, "scopes", "A key cannot give more than it has itself: %s.",
		    scopes_text(mem, most));
	return bits;
}

/* "90", "2027-01-31" or a time; 0 if it is none. */
static int64_t moment(void *mem, const struct key_grant *g, const char *text)
{
	const char *zone = g->zone ? g->zone : "UTC";
	int64_t n = 0;

	if (text_to_int(text, 1, DAYS_MAX, &n))
		return g->now + n * DAY_MS;
	if (time_parse_rfc3339(text, &n))
		return n;
	if (date_valid(text) &&
	    time_parse_local(mem_printf(mem, "%sT23:59:59", text), zone, &n))
		return n;
	return 0;
}

/* What a key makes ends no later than the key itself. */
static int64_t check_end(struct form *f, const char *field, const struct key_grant *g,
    int64_t at)
{
	if (g->ends && (at == 0 || at > g->ends))
		form_fail(f, field, "A key that a key makes ends no later than it: %s.",
		    time_rfc3339(f, g->ends));
	return at;
}

/* When it ends; 0: never. */
static int64_t wanted_end(struct form *f, void *mem, const struct key_grant *g)
{
	int64_t at;
	const char *text = form_line(f, "expires", 0, 40), *field = "expires";

	if (text_empty(text))
		return g->ends;
	if (text_equal(text, "never"))
		return check_end(f, field, g, 0);
	if (text_equal(text, "date"))
		text = form_line(f, field = "expires_on", 0, 40);
	at = moment(mem, g, text);
	if (!at)
		form_fail(f, field, "Give its last day, as 2027-01-31.");
	else if (at <= g->now || at > g->now + DAYS_MAX * DAY_MS)
		form_fail(f, field,
		    "Choose a day from today on, in the next ten years.");
	else
		check_end(f, field, g, at);
	return at;
}

enum err key_create(struct db *db, void *mem, const struct key_grant *g, struct form *f,
    struct api_key **out, char **secret)
{
	struct api_key *k = mem_new(mem, struct api_key);
	uint8_t hash[32];

	k->brand_id = g->brand_id;
	k->user_id = g->user_id;
	k->parent_id = g->key_id;
	k->name = form_line(f, "name", 0, NAME_MAX_CHARS);
	k->scopes = wanted_scopes(f, mem, g->scopes);
	k->created_at = g->now;
	k->expires_at = wanted_end(f, mem, g);
	if (!form_ok(f))
		return ERR_INVALID;
	*secret = mem_printf(mem, "ml_%s", id_secret(mem));
	k->prefix = mem_strn(k, *secret, PREFIX_CHARS);
	if (text_empty(k->name))
		k->name = mem_printf(k, "Key %s…", k->prefix);
	hash_key(*secret, hash);
	*out = k;
	return api_key_add(db, k, hash);
}

/*
 * Marks it used, at most once a minute.  While the database is busy with a writer this
 * waits; so only one caller in a minute tries, and the others read on.
 */
static enum err mark_used(struct db *db, struct kv *kv, void *mem,
    const struct api_key *k, int64_t now)
{
	const char *turn;
	enum err e;

	if (now - k->last_used_at <= USED_EVERY_MS)
		return OK;
	turn = mem_printf(mem, "api-key:used:%lld:%lld", (long long)k->id,
	    (long long)(now / USED_EVERY_MS));
	if (kv_add(kv, turn, "1", 1, 2 * USED_EVERY_MS / 1000) == ERR_CONFLICT)
		return OK;
	e = api_key_used(db, k->id, now);
	return e == ERR_BUSY ? OK : e;
}

enum err key_read(struct db *db, struct kv *kv, void *mem, const char *text,
    int64_t now, struct caller *out)
{
	struct api_key *k;
	uint8_t hash[32];
	enum err e;

	if (strlen(text) != KEY_CHARS || !text_starts(text, "ml_"))
		return ERR_NOTFOUND;
	hash_key(text, hash);
	e = api_key_find(db, mem, hash, &k);
	if (e != OK)
		return e;
	if (k->revoked_at || (k->expires_at && k->expires_at <= now) || !k->user_there)
		return ERR_NOTFOUND;
	out->key_id = k->id;
	out->key_brand = k->brand_id;
	out->key_ends = k->expires_at;
	out->user_id = k->user_id;
	out->name = k->name;
	out->email = "";
	out->scopes = k->scopes;
	out->admin = k->user_admin;
	return mark_used(db, kv, mem, k, now);
}
