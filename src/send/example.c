#include "send/check.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/subscriber.h"

struct subscriber *example_person(void *mem, const struct brand *b)
{
	struct subscriber *s = mem_new(mem, struct subscriber);

	*s = (struct subscriber){
		.brand_id = b->id,
		.email = "alex.example@example.com",
		.email_key = "alex.example@example.com",
		.status = SUBSCRIBER_ACTIVE,
		.first_name = "Alex",
		.last_name = "Example",
		.custom = json_obj(s),
		.tags = json_arr(s),
	};
	return s;
}

/* ---- three people to try a mail with ---- */

static void set_all(struct json_object *custom, const struct field *f)
{
	const char *choice = f->choices &&
		json_object_is_type(f->choices, json_type_array) &&
		json_object_array_length(f->choices)
	    ? json_object_get_string(json_object_array_get_idx(f->choices, 0))
	    : "One";

	switch (f->type) {
	case FIELD_NUMBER: json_set_double(custom, f->key, 1234.5); break;
	case FIELD_BOOLEAN: json_set_bool(custom, f->key, true); break;
	case FIELD_DATE: json_set_text(custom, f->key, "2026-11-24"); break;
	case FIELD_CHOICE: json_set_text(custom, f->key, choice); break;
	default: json_set_text(custom, f->key, "https://example.com/alex"); break;
	}
}

static void set_odd(struct json_object *custom, const struct field *f)
{
	switch (f->type) {
	case FIELD_NUMBER: json_set_double(custom, f->key, -0.001); break;
	case FIELD_BOOLEAN: json_set_bool(custom, f->key, false); break;
	case FIELD_DATE: json_set_text(custom, f->key, "1900-02-28"); break;
	default:
		json_set_text(custom, f->key, "<b>\"O'Neil\" & \xc3\xb6/?#{{ x }} %41");
		break;
	}
}

void example_people(void *mem, int64_t brand, const struct field *fields, size_t n,
    struct subscriber out[EXAMPLES])
{
	for (int i = 0; i < EXAMPLES; i++)
		out[i] = (struct subscriber){
			.brand_id = brand,
			.email = "alex.example@example.com",
			.email_key = "alex.example@example.com",
			.status = SUBSCRIBER_ACTIVE,
			.first_name = "",
			.last_name = "",
			.custom = json_obj(mem),
			.tags = json_arr(mem),
		};
	out[EXAMPLE_ALL].first_name = "Alex";
	out[EXAMPLE_ALL].last_name = "Example";
	json_push_text(out[EXAMPLE_ALL].tags, "example");
	out[EXAMPLE_ODD].email = out[EXAMPLE_ODD].email_key = "o'neil+x@example.com";
	out[EXAMPLE_ODD].first_name = "\xc5\x81<\"&'";
	out[EXAMPLE_ODD].last_name = "{{ x }} \xf0\x9f\x8e\x89";
	for (size_t i = 0; i < n; i++) {
		set_all(out[EXAMPLE_ALL].custom, &fields[i]);
		set_odd(out[EXAMPLE_ODD].custom, &fields[i]);
	}
}

/* Somebody who would get it, or NULL. */
static struct subscriber *first_person(void *mem, struct db *db,
    const struct campaign *c)
{
	struct subscriber_filter f = { .brand = c->brand_id,
		.status = SUBSCRIBER_ACTIVE,
		.list = c->nlists ? c->lists[0] : 0,
		.limit = 1 };
	struct subscriber *s;
	size_t n;

	return subscriber_page(db, mem, &f, &s, &n) == OK && n ? s : NULL;
}

/* Has it errors that are told by themselves? */
static bool is_broken(const struct content *content)
{
	const struct compose_problem *p;
	size_t n = content_problems(content, &p);

	for (size_t i = 0; i < n; i++)
		if (p[i].level == PROBLEM_ERROR)
			return true;
	return false;
}

/* Can the mail to that person be made, and sent? */
static enum err made(void *mem, const struct content *content,
    const struct subscriber *who, const char **why)
{
	struct message msg;
	enum err e = content_message(content, mem, who, &msg, why);

	return e == OK ? message_ready(&msg, why) : e;
}

const char *example_fails(void *mem, const struct check_view *v,
    const struct campaign *c, const struct content *content, bool *for_none)
{
	struct subscriber *example = example_person(mem, v->brand), *real;
	const char *why = "", *again = "";

	if (is_broken(content) || made(mem, content, example, &why) == OK)
		return NULL;
	real = first_person(mem, v->db, c);
	*for_none = !real || made(mem, content, real, &again) != OK;
	return why;
}

const char *example_subject(void *mem, const struct check_view *v,
    const struct campaign *c, const struct content *content)
{
	struct content *own = NULL;
	struct message msg;
	const char *why;

	if (!strstr(c->subject, "{{") && !strstr(c->subject, "{%"))
		return c->subject;
	if (!content && check_compile(mem, v, c, COMPOSE_PREVIEW, &own) != OK)
		return c->subject;
	if (content_message(content ? content : own, mem, example_person(mem, v->brand),
		&msg, &why) != OK)
		return c->subject;
	return text_empty(msg.subject) ? c->subject : msg.subject;
}
