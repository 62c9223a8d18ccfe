#include "service/audit.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

enum { DETAIL_MAX = 4096, DEPTH_MAX = 4, NAME_MAX_BYTES = 200 };

static const char *const secret_names[] = { "password", "secret", "token", "csrf",
	"cookie", "totp", "otp", "recovery", "verifier", "authorization", "hash" };

static bool names_secret(const char *name)
{
	for (size_t i = 0; i < sizeof(secret_names) / sizeof(*secret_names); i++) {
		if (strstr(name, secret_names[i]))
			return true;
	}
	return text_equal(name, "key");
}

static bool is_api_key(struct json_object *v)
{
	return json_object_is_type(v, json_type_string) &&
	    text_starts(json_object_get_string(v), "ml_");
}

static struct json_object *clean(void *mem, struct json_object *detail, int depth)
{
	struct json_object *out = json_obj(mem);

	if (!detail || depth == 0)
		return out;
	json_object_object_foreach (detail, name, value) {
		if (names_secret(name) || is_api_key(value))
			continue;
		if (json_object_is_type(value, json_type_object))
			value = clean(mem, value, depth - 1);
		json_set(out, name, value);
	}
	return out;
}

char *audit_cut(void *mem, const char *s, size_t most)
{
	size_t n = s ? strnlen(s, most + 1) : 0;

	if (n > most) {
		n = most;
		while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
	}
	return mem_strn(mem, s ? s : "", n);
}

struct json_object *audit_clean(void *mem, struct json_object *detail)
{
	struct json_object *out = clean(mem, detail, DEPTH_MAX), *less;

	if (strlen(json_write(mem, out)) <= DETAIL_MAX)
		return out;
	less = json_obj(mem);
	json_set_text(less, "name", audit_cut(mem, audit_label(out), NAME_MAX_BYTES));
	json_set_bool(less, "cut", true);
	return less;
}

const char *audit_label(struct json_object *detail)
{
	static const char *const names[] = { "name", "label", "email", "subject",
		"topic_arn" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *text = json_text(detail, names[i], "");

		if (!text_empty(text))
			return text;
	}
	return "";
}

/* 0: null */
static void set_id(struct json_object *o, const char *key, int64_t id)
{
	if (id)
		json_set_int(o, key, id);
	else
		json_set(o, key, NULL);
}

struct json_object *audit_json(void *mem, const struct audit_line *l)
{
	struct json_object *o = json_obj(mem), *detail = NULL;

	if (json_read(mem, l->detail, strlen(l->detail), &detail, NULL) != OK)
		detail = json_obj(mem);
	json_set_int(o, "id", l->id);
	json_set_time(o, "at", l->at);
	json_set_text(o, "actor", l->actor);
	json_set_text(o, "actor_email", l->actor_email);
	set_id(o, "user_id", l->user_id);
	set_id(o, "key_id", l->key_id);
	set_id(o, "brand_id", l->brand_id);
	json_set_text(o, "brand", l->brand);
	json_set_text(o, "action", l->action);
	set_id(o, "object_id", l->object_id);
	json_set_text(o, "object", l->label);
	json_set_text(o, "words", audit_words(mem, l));
	json_set(o, "detail", detail);
	json_set_text(o, "ip", l->ip);
	json_set_text(o, "agent", l->agent);
	return o;
}

enum err audit_command(struct db *db, const char *action, int64_t brand_id,
    int64_t object_id, const char *name, int64_t now)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "audit_command");
	struct json_object *detail = json_set_text(json_obj(tmp), "name", name);
	const struct audit_line l = {
		.brand_id = brand_id,
		.actor = "Command line",
		.action = action,
		.object_id = object_id,
		.label = name,
		.detail = json_write(tmp, detail),
		.at = now,
	};

	return audit_add(db, &l);
}
