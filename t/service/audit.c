#include "service/audit.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "dbtest.h"
#include "tap.h"

static const char *words(struct dbtest *t, const char *action, int64_t id,
    const char *label, const char *detail)
{
	const struct audit_line l = { .action = action,
		.object_id = id,
		.label = label,
		.detail = detail };

	return audit_words(t->mem, &l);
}

static void test_words(struct dbtest *t)
{
	is_text(words(t, "member.role", 3, "Ben",
		    "{\"name\":\"Ben\",\"was\":\"viewer\",\"role\":\"editor\"}"),
	    "changed the role of Ben from viewer to editor",
	    "audit_words puts in name and detail");
	is_text(words(t, "list.create", 3, "", "{}"), "made the list “3”",
	    "the number stands for a missing name");
	is_text(words(t, "subscriber.delete", 12, "", "{}"),
	    "deleted the subscriber 12", "people in lists are numbers");
	is_text(words(t, "member.leave", 0, "", "no json"), "left the team",
	    "a spoilt detail costs nothing");
	is_text(words(t, "moon.paint", 1, "Luna", "{}"), "did moon.paint Luna",
	    "an unknown action is named");
	is_text(words(t, "list.create", 3, "{id} {label}", "{}"),
	    "made the list “{id} {label}”", "what was put in is not read again");
}

static struct json_object *parsed(void *mem, const char *text)
{
	struct json_object *o = NULL;

	ok(json_read(mem, text, strlen(text), &o, NULL) == OK, "JSON");
	return o;
}

static void test_clean(struct dbtest *t)
{
	struct json_object *o = audit_clean(t->mem,
	    parsed(t->mem,
		"{\"name\":\"N\",\"password\":\"s1\",\"secret_access_key\":\"s2\","
		"\"reset_token\":\"s3\",\"key\":\"s4\",\"note\":\"ml_s5\",\"csrf\":"
		"\"s6\",\"deep\":{\"a\":1,\"totp_secret\":\"s7\"}}"));

	is_text(json_write(t->mem, o), "{\"name\":\"N\",\"deep\":{\"a\":1}}",
	    "audit_clean leaves secrets out, at any depth");
	is_text(audit_label(o), "N", "audit_label finds the name");
	is_text(audit_label(json_obj(t->mem)), "", "or none");
	is_text(json_write(t->mem, audit_clean(t->mem, NULL)), "{}",
	    "audit_clean makes an object of nothing");
	o = json_set_text(json_obj(t->mem), "name", "ä");
	json_set_text(o, "text", mem_printf(t->mem, "%05000d", 1));
	is_text(json_write(t->mem, audit_clean(t->mem, o)),
	    "{\"name\":\"ä\",\"cut\":true}", "audit_clean cuts what is too long");
	is_text(audit_cut(t->mem, "aää", 2), "a", "audit_cut keeps characters whole");
	is_text(audit_cut(t->mem, "aää", 3), "aä", "and as many as fit");
	is_text(audit_cut(t->mem, NULL, 3), "", "and nothing of nothing");
}

static void test_command(struct dbtest *t)
{
	struct audit_filter f = { .limit = 5 };
	struct audit_line *l;
	struct json_object *o;
	size_t n;

	ok(audit_command(t->db, "api_key.create", 0, 4, "Shop", 1000) == OK,
	    "audit_command writes a line");
	ok(audit_page(t->db, t->mem, &f, &l, &n) == OK && n == 1, "one");
	o = audit_json(t->mem, l);
	is_text(json_text(o, "actor", ""), "Command line", "by nobody we know");
	is_text(json_text(o, "object", ""), "Shop", "about the object");
	is_text(json_text(o, "at", ""), "1970-01-01T00:00:01Z", "at its time");
	ok(json_get(o, "user_id") == NULL, "without a user");
}

int main(void)
{
	dbtest_run(test_words);
	dbtest_run(test_clean);
	dbtest_run(test_command);
	return done_testing();
}
