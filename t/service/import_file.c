#include "service/import.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "dbtest.h"
#include "tap.h"

static const struct import_request api = { .brand = 1, .now = 1000, .start = true };

static void set_up(struct dbtest *t)
{
	dbtest_script(t->db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (1, 'B', 'h1', 1, 1), (2, 'C', 'h2', 1, 1);"
	    "INSERT INTO lists (id, brand_id, name, created_at, updated_at)"
	    " VALUES (1, 1, 'News', 1, 1), (3, 2, 'Other', 1, 1)");
}

static struct form *upload(void *mem, const char *data, size_t len, const char *json)
{
	struct form *f = form_new(mem);
	struct form_file file = { .field = "file",
		.name = "people.csv",
		.type = "text/csv",
		.data = data,
		.len = len };
	struct json_object *o;

	if (json && json_read(mem, json, strlen(json), &o, NULL) == OK)
		form_set_json(f, o);
	form_add_file(f, &file);
	return f;
}

static void refused(struct dbtest *t, const char *data, size_t len, const char *json,
    const char *at, const char *part)
{
	struct form *f = upload(t->mem, data, len, json);
	struct import *i;

	ok(import_create(t->db, t->mem, &api, f, &i) == ERR_INVALID,
	    "import_create refuses a file");
	ok(form_error(f, at) && strstr(form_error(f, at), part),
	    "says \"%s\" at %s (%s)", part, at,
	    form_error(f, at) ? form_error(f, at) : "nothing");
}

static void uploads(struct dbtest *t)
{
	struct buf *wide = buf_new(t->mem);
	struct form *none = form_new(t->mem);
	struct import *i;

	set_up(t);
	for (int k = 0; k < 300; k++)
		buf_printf(wide, "%sc%d", k ? "," : "email,", k);
	buf_str(wide, "\n");
	ok(import_create(t->db, t->mem, &api, none, &i) == ERR_INVALID,
	    "refuses no file");
	is_text(form_error(none, "file"), "Choose a CSV file.", "says what to do");
#define GOOD "email,name\na@b.example,x\n"
#define REFUSED(data, json, at, part) refused(t, data, sizeof(data) - 1, json, at, part)
	REFUSED("", NULL, "file", "empty");
	REFUSED("\xEF\xBB\xBF\r\n \n", NULL, "file", "empty");
	REFUSED("PK\x03\x04xxxxxxx", NULL, "file", "Excel workbook");
	REFUSED("\xD0\xCF\x11\xE0xxx", NULL, "file", "old Excel");
	REFUSED("%PDF-1.7 ...", NULL, "file", "PDF");
	REFUSED("\x1F\x8B\x08xxxx", NULL, "file", "gzip");
	REFUSED("\0\1\2\3binary", NULL, "file", "no text file");
	REFUSED("<!DOCTYPE html><p>x,y", NULL, "file", "web page");
	REFUSED("just a letter\nto somebody\n", NULL, "file",
	    "does not look like a CSV");
	REFUSED("email,name\n", NULL, "file", "no rows");
	REFUSED(GOOD, "{\"encoding\":\"klingon\"}", "encoding",
	    "no encoding “klingon”");
	REFUSED("email,\"na\nx,y\n", NULL, "file", "first line cannot be read");
	refused(t, wide->data, wide->len, NULL, "file", "301 columns; 256");
	REFUSED(GOOD, "{\"mapping\":{\"name\":\"first_name\"}}", "mapping",
	    "email addresses");
	REFUSED(GOOD, "{\"mapping\":{\"mail\":\"email\"}}", "mapping",
	    "no column “mail”");
	REFUSED(GOOD, "{\"mapping\":{\"email\":\"email\",\"name\":\"shoe\"}}",
	    "mapping", "no field “shoe”");
	REFUSED(GOOD, "{\"mapping\":{\"email\":\"email\",\"name\":\"email\"}}",
	    "mapping", "Two columns");
	REFUSED(GOOD, "{\"mapping\":\"{\"}", "mapping", "no JSON");
	REFUSED(GOOD, "{\"mapping\":7}", "mapping", "object");
	REFUSED(GOOD, "{\"lists\":[3]}", "lists", "no list 3");
	REFUSED(GOOD, "{\"existing\":\"replace\"}", "existing", "");
	REFUSED("a,b\n1,2\n", NULL, "mapping", "email addresses");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM imports"), 0,
	    "nothing refused is kept");
	none = upload(t->mem, GOOD, sizeof(GOOD) - 1,
	    "{\"mapping\":\"{\\\"email\\\":\\\"email\\\"}\"}");
	ok(import_create(t->db, t->mem, &api, none, &i) == OK, "takes what is right");
	is_text(json_text(i->mapping, "email", ""), "email",
	    "a mapping may be text of JSON");
}

int main(void)
{
	dbtest_run(uploads);
	return done_testing();
}
