/* Files as people have them: dates, names, tags, quotes, titles, encodings. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "importtest.h"
#include "repo/subscriber.h"
#include "tap.h"

static const char *value_of(struct dbtest *t, const char *address, const char *field)
{
	struct subscriber *s;

	if (subscriber_get_by_key(t->db, t->mem, 1, address, &s) != OK)
		return "nobody";
	if (text_equal(field, "first"))
		return s->first_name;
	if (text_equal(field, "last"))
		return s->last_name;
	if (text_equal(field, "tags"))
		return json_object_to_json_string_ext(s->tags, JSON_C_TO_STRING_PLAIN);
	return json_get(s->custom, field)
	    ? json_object_get_string(json_get(s->custom, field))
	    : "none";
}

static void is_value(struct dbtest *t, const char *address, const char *field,
    const char *want)
{
	is_text(value_of(t, address, field), want, "%s of %s", field, address);
}

static void dates(struct dbtest *t)
{
	int64_t id;

	it_set_up(t);
	dbtest_script(t->db,
	    "INSERT INTO fields (brand_id, key, label, type, choices,"
	    " created_at) VALUES (1, 'birthday', 'Birthday', 'date',"
	    " '[]', 1)");
	it_imported(t,
	    "Mail,Joined our club\nan@x.example,4/30/2021\nbo@x.example,4/5/2021\n"
	    "cy@x.example,11/1/2020\n",
	    "{\"mapping\":{\"Mail\":\"email\",\"Joined our club\":\"since\"}}",
	    "done 3: 3 0 0 0 0", "dates of a column that was mapped by hand");
	is_value(t, "an@x.example", "since", "2021-04-30");
	is_value(t, "bo@x.example", "since", "2021-04-05");
	is_value(t, "cy@x.example", "since", "2020-11-01");
	it_imported(t, "email,since\nda@x.example,4/5/2021\n",
	    "{\"date_order\":\"mdy\"}", "done 1: 1 0 0 0 0",
	    "an order that nothing tells");
	is_value(t, "da@x.example", "since", "2021-04-05");
	it_imported(t, "email,since\nee@x.example,4/5/2021\n",
	    "{\"date_order\":\"dmy\"}", "done 1: 1 0 0 0 0", "and the other one");
	is_value(t, "ee@x.example", "since", "2021-05-04");
	it_imported(t, "email,since,until\nef@x.example,4/5/2021,4/30/2021\n", NULL,
	    "done 1: 1 0 0 0 0", "another column of the file tells");
	is_value(t, "ef@x.example", "since", "2021-04-05");
	id = it_imported(t,
	    "Email,Birthday\nga@x.example,09-Jun-1961\nha@x.example,\"Jun 9, 1961\"\n"
	    "ia@x.example,06/30\nja@x.example,9.6.61\nka@x.example,\n",
	    NULL, "done 5: 5 0 0 0 0", "months by name, and without a year");
	is_value(t, "ga@x.example", "birthday", "1961-06-09");
	is_value(t, "ha@x.example", "birthday", "1961-06-09");
	is_value(t, "ia@x.example", "birthday", "none");
	is_value(t, "ja@x.example", "birthday", "1961-06-09");
	ok(it_has_note(t, id, 3, "“06/30” is not a date with a year"), "and says why");
}

static void shapes(struct dbtest *t)
{
	it_set_up(t);
	it_imported(t,
	    "Nr,Vorname,Email,Phone,Email\n1,An,an@x.example,,other@x.example\n", NULL,
	    "done 1: 1 0 0 0 0", "two columns of one name");
	it_imported(t, "email,x\nbo@x.example,\"A \\\"B\\\" C\"\n",
	    "{\"mapping\":{\"email\":\"email\",\"x\":\"first_name\"}}",
	    "done 1: 1 0 0 0 0", "quotes after backslashes");
	is_value(t, "bo@x.example", "first", "A \"B\" C");
	it_imported(t,
	    "\"email\",\"first_name\",\"last_name\"\n\"cy@x.example\",\"D\\'Arc\",\\N\n"
	    "\"da@x.example\",NULL,\"(\\\\)\"\n",
	    NULL, "done 2: 2 0 0 0 0", "as MySQL writes it");
	is_value(t, "cy@x.example", "first", "D'Arc");
	is_value(t, "cy@x.example", "last", "");
	is_value(t, "da@x.example", "first", "");
	is_value(t, "da@x.example", "last", "(\\)");
	it_imported(t,
	    "Customers of the shop;;\nas of;1.5.2024;\n\nE-Mail;Vorname;Ort\n"
	    "ed@x.example;Ed;Ulm\nfe@x.example;Fe;\n",
	    NULL, "done 2: 2 0 0 0 0", "titles above the names of the columns");
	is_value(t, "ed@x.example", "first", "Ed");
	it_imported(t,
	    "\xEF\xBB\xBFsep=;\r\nMail;Vorname\r\nga@x.example;\"Al, Bo\"\r\n", NULL,
	    "done 1: 1 0 0 0 0", "as Excel writes it");
	is_value(t, "ga@x.example", "first", "Al, Bo");
	it_imported(t,
	    "email,TAGS\nha@x.example,\"\"\"Client\"\",\"\"Gold, old\"\"\"\n"
	    "ia@x.example,\"a; b\"\n",
	    NULL, "done 2: 2 0 0 0 0", "tags quoted inside the cell");
	is_value(t, "ha@x.example", "tags", "[\"Client\",\"Gold, old\"]");
	is_value(t, "ia@x.example", "tags", "[\"a\",\"b\"]");
	it_imported(t,
	    "email,Full name\n\xE2\x80\x8B\xEF\xBB\xBFja@x.example\xE2\x80\x8E,Ada van "
	    "der Holm\n"
	    "ka@x.example,\"Holm, Bo\"\nla@x.example,Cher\nma@x.example,Eva Maria "
	    "Lund\n",
	    NULL, "done 4: 4 0 0 0 0",
	    "whole names, and addresses with what nobody sees");
	is_value(t, "ja@x.example", "first", "Ada");
	is_value(t, "ja@x.example", "last", "van der Holm");
	is_value(t, "ka@x.example", "last", "Holm");
	is_value(t, "la@x.example", "first", "Cher");
	is_value(t, "ma@x.example", "last", "Lund");
	it_imported(t, "email,Vorname,Name\nna@x.example,Nia,Berg\n", NULL,
	    "done 1: 1 0 0 0 0", "a name beside a first name is the last name");
	is_value(t, "na@x.example", "last", "Berg");
}

static void encodings(struct dbtest *t)
{
	it_set_up(t);
	it_imported(t,
	    "E-mail;Imi\xEA;Nazwisko\r\nan@x.example;\xA3ucja;Wi\x9Cniewska-"
	    "\xAF\xF3\xB3tko\r\n",
	    NULL, "done 1: 1 0 0 0 0", "Polish of Windows");
	is_value(t, "an@x.example", "first", "Łucja");
	is_value(t, "an@x.example", "last", "Wiśniewska-Żółtko");
	it_imported(t, "email,first_name\nbo@x.example,J\xF3zef\xB1\n",
	    "{\"encoding\":\"ISO-8859-2\"}", "done 1: 1 0 0 0 0",
	    "an encoding that is said");
	is_value(t, "bo@x.example", "first", "Józefą");
	it_imported(t, "email,first_name\ncy@x.example,\x8Etsi\n",
	    "{\"encoding\":\"mac\"}", "done 1: 1 0 0 0 0", "by any of its names");
	is_value(t, "cy@x.example", "first", "étsi");
}

static void new_fields(struct dbtest *t)
{
	it_set_up(t);
	it_imported(t,
	    "email,Höhe,Seit wann,Gast?,Größe,Status "
	    "quo\nan@x.example,1.5,2020-01-02,yes,M,x\n",
	    "{\"mapping\":{\"email\":\"email\",\"Höhe\":\"+number\",\"Seit "
	    "wann\":\"+date\","
	    "\"Gast?\":\"+boolean\",\"Größe\":\"+choice\",\"Status quo\":\"+\"}}",
	    "done 1: 1 0 0 0 0", "fields made of columns");
	is_int(it_count(t, "fields WHERE label = 'Höhe' AND type = 'number'"), 1,
	    "a number");
	is_int(it_count(t, "fields WHERE label = 'Gast?' AND type = 'boolean'"), 1,
	    "yes or no");
	is_int(it_count(t, "fields WHERE label = 'Größe' AND type = 'choice'"), 1,
	    "a choice");
	is_value(t, "an@x.example", "seit_wann", "2020-01-02");
	it_imported(t, "email,Tags,Status,Имя поля\nbo@x.example,a,b,c\n",
	    "{\"mapping\":{\"email\":\"email\",\"Tags\":\"+\",\"Status\":\"+\",\"Имя "
	    "поля\":\"+\"}}",
	    "done 1: 1 0 0 0 0",
	    "also of columns whose names are taken or have no key");
	is_value(t, "bo@x.example", "tags_2", "a");
	is_value(t, "bo@x.example", "status_2", "b");
	is_value(t, "bo@x.example", "field", "c");
}

int main(void)
{
	dbtest_run(dates);
	dbtest_run(shapes);
	dbtest_run(encodings);
	dbtest_run(new_fields);
	return done_testing();
}
