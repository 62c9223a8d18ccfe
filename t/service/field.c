#include "service/field.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "dbtest.h"
#include "repo/field.h"
#include "tap.h"

static const struct field_reading strict = { 0 };
static const struct field_reading loose = { .loose = true,
	.dates = DATES_DMY,
	.year = 2026 };

static void value(void *mem, struct field *f, const struct field_reading *how,
    const char *text, const char *want)
{
	struct json_object *v = NULL;
	const char *why = NULL;
	enum err e = field_value(mem, f, text, how, &v, &why);

	if (want)
		is_text(e == OK && v ? json_object_to_json_string(v) : why, want,
		    "field_value reads %s \"%s\" as %s", field_type_name(f->type), text,
		    want);
	else
		ok(e == ERR_INVALID && why && strstr(why, f->label),
		    "field_value refuses %s \"%s\" (%s)", field_type_name(f->type),
		    text, why ? why : "nothing");
}

static void numbers(void *mem)
{
	struct field f = { .label = "Bags", .type = FIELD_NUMBER };

	value(mem, &f, &strict, " 12 ", "12");
	value(mem, &f, &strict, "-0.1", "-0.1");
	value(mem, &f, &strict, "12,5", NULL);
	value(mem, &f, &strict, "many", NULL);
	value(mem, &f, &strict, "1e999", NULL);
	value(mem, &f, &loose, "12,5", "12.5");
	value(mem, &f, &loose, "1.234,56", "1234.56");
	value(mem, &f, &loose, "1,234.56", "1234.56");
	value(mem, &f, &loose, "1,234", "1234");
	value(mem, &f, &loose, "1.234.567", "1234567");
	value(mem, &f, &loose, "1 234", "1234");
	value(mem, &f, &loose, "1'234.50", "1234.5");
	value(mem, &f, &loose, "12 kg", NULL);
}

static void dates(void *mem)
{
	struct field f = { .label = "Since", .type = FIELD_DATE };
	struct field_reading mdy = { .loose = true, .dates = DATES_MDY };

	value(mem, &f, &strict, "2026-11-24", "\"2026-11-24\"");
	value(mem, &f, &strict, "2026-11-24T10:00:00Z", "\"2026-11-24\"");
	value(mem, &f, &strict, "24.11.2026", NULL);
	value(mem, &f, &strict, "2026-02-30", NULL);
	value(mem, &f, &loose, "3.11.2021", "\"2021-11-03\"");
	value(mem, &f, &loose, "03/11/21", "\"2021-11-03\"");
	value(mem, &f, &loose, "3. 11. 2021", "\"2021-11-03\"");
	value(mem, &f, &loose, "2021-11-03", "\"2021-11-03\"");
	value(mem, &f, &mdy, "11/3/2021", "\"2021-11-03\"");
	value(mem, &f, &loose, "31.02.2021", NULL);
	value(mem, &f, &loose, "last year", NULL);
}

static void others(void *mem)
{
	struct field flag = { .label = "VIP", .type = FIELD_BOOLEAN };
	struct field text = { .label = "City", .type = FIELD_TEXT };
	struct field pick = { .label = "Roast",
		.type = FIELD_CHOICE,
		.choices = json_arr(mem) };
	struct field_reading grow = { .loose = true, .new_choices = true };
	char *longest = mem_zero(mem, VALUE_MAX + 2, "long");
	struct json_object *v = (void *)1;
	const char *why;

	memset(longest, 'x', VALUE_MAX + 1);
	json_push_text(pick.choices, "Filter");
	value(mem, &flag, &strict, "true", "true");
	value(mem, &flag, &strict, "No", "false");
	value(mem, &flag, &strict, "ja", NULL);
	value(mem, &flag, &loose, "Ja", "true");
	value(mem, &flag, &loose, "nein", "false");
	value(mem, &text, &strict, "  Köln ", "\"Köln\"");
	value(mem, &text, &strict, longest, NULL);
	value(mem, &text, &strict, "a\xff", NULL);
	value(mem, &pick, &strict, "Filter", "\"Filter\"");
	value(mem, &pick, &strict, "filter", NULL);
	value(mem, &pick, &loose, "filter", "\"Filter\"");
	value(mem, &pick, &loose, "omni", NULL);
	value(mem, &pick, &grow, "omni", "\"omni\"");
	is_int((int64_t)json_object_array_length(pick.choices), 2,
	    "and takes a new choice over");
	value(mem, &text, &strict, "one\ntwo", NULL);
	value(mem, &text, &strict, "red \x1b[31m", NULL);
	value(mem, &text, &loose, "one\r\ntwo\x1b", "\"one  two \"");
	ok(field_value(mem, &text, "  ", &strict, &v, &why) == OK && !v,
	    "nothing is no value");
}

static struct form *form(void *mem, const char *json)
{
	struct form *f = form_new(mem);
	struct json_object *o;

	ok(json_read(mem, json, strlen(json), &o, NULL) == OK, "the form is JSON");
	form_set_json(f, o);
	return f;
}

static void refuses(struct dbtest *t, const char *json, const char *at,
    const char *part)
{
	struct form *f = form(t->mem, json);
	struct field *x;
	enum err e = field_create(t->db, t->mem, 1, f, 100, &x);

	ok(e == ERR_INVALID || e == ERR_CONFLICT, "field_create refuses %s", json);
	ok(form_error(f, at) && strstr(form_error(f, at), part),
	    "says \"%s\" at %s (%s)", part, at,
	    form_error(f, at) ? form_error(f, at) : "nothing");
}

static void creating(struct dbtest *t)
{
	struct field *x, *all;
	size_t n;

	dbtest_script(t->db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (1, 'B', 'h1', 1, 1), (2, 'C', 'h2', 1, 1)");
	ok(field_create(t->db, t->mem, 1,
	       form(t->mem, "{\"label\":\"Kunde seit\",\"type\":\"date\"}"), 100,
	       &x) == OK,
	    "field_create makes one of a label");
	is_text(x->key, "kunde_seit", "with a key made of it");
	ok(field_create(t->db, t->mem, 1,
	       form(t->mem,
		   "{\"key\":\"roast\",\"label\":\"Roast\","
		   "\"type\":\"choice\",\"choices\":[\"filter\",\" espresso "
		   "\",\"filter\"]}"),
	       100, &x) == OK,
	    "makes one with choices");
	is_int((int64_t)json_object_array_length(x->choices), 2, "each once, trimmed");
	refuses(t, "{\"key\":\"roast\",\"label\":\"R\"}", "key", "already");
	refuses(t, "{\"key\":\"email\",\"label\":\"R\"}", "key", "mails have already");
	refuses(t, "{\"key\":\"2x\",\"label\":\"R\"}", "key", "begins with a letter");
	refuses(t, "{\"key\":\"a\",\"label\":\"R\",\"type\":\"money\"}", "type", "");
	refuses(t, "{\"key\":\"a\",\"label\":\"R\",\"type\":\"choice\"}", "choices",
	    "at least one");
	refuses(t, "{\"label\":\"日本\"}", "key", "letters a-z");
	refuses(t, "{}", "label", "");
	ok(field_create(t->db, t->mem, 2, form(t->mem, "{\"key\":\"roast\"}"), 100,
	       &x) == OK,
	    "another brand has keys of its own");
	ok(field_all(t->db, t->mem, 1, &all, &n) == OK && n == 2,
	    "field_all gives those of the brand");
	is_text(all[0].key, "kunde_seit", "in their order");
	ok(field_change(t->db, t->mem, &all[1],
	       form(t->mem, "{\"label\":\"Röstung\"}")) == OK,
	    "field_change changes the label");
	ok(field_change(t->db, t->mem, &all[1], form(t->mem, "{\"type\":\"text\"}")) ==
		ERR_INVALID,
	    "and never the type");
	ok(field_row_delete(t->db, 2, all[0].id) == OK &&
		dbtest_int(t->db, "SELECT count(*) FROM fields") == 3,
	    "field_row_delete leaves those of other brands");
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");

	numbers(mem);
	dates(mem);
	others(mem);
	dbtest_run(creating);
	return done_testing();
}
