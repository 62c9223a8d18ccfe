#include "service/import.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "importtest.h"
#include "repo/subscriber.h"
#include "tap.h"

/* ---- rows ---- */

/* What the good rows have become. */
static void stored(struct dbtest *t)
{
	struct subscriber *s;

	ok(subscriber_get_by_key(t->db, t->mem, 1, "maja@fjord.example", &s) == OK,
	    "Maja is there");
	is_text(s->last_name, "Lind", "the last row wins");
	is_text(json_text(s->custom, "since", ""), "2021-11-03",
	    "an empty cell changes nothing");
	is_int(json_int(s->custom, "bags", 0), 14, "numbers are numbers");
	is_int((int64_t)json_object_array_length(s->tags), 3,
	    "tags are split and added");
	ok(subscriber_get_by_key(t->db, t->mem, 1, "yusuf@bluebox.example", &s) == OK,
	    "in lower case");
	is_text(s->email, "YUSUF@bluebox.example", "shown as written");
	is_text(json_object_to_json_string(json_get(s->custom, "bags")), "1.5",
	    "decimal comma");
	is_text(json_text(s->custom, "roast", ""), "omni", "a new choice");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM fields WHERE choices LIKE '%omni%'"),
	    1, "is added to the field");
	ok(subscriber_get_by_key(t->db, t->mem, 1, "rosa@xn--bcher-kva.example", &s) ==
		OK,
	    "IDN");
	is_text(s->first_name, "Rosa  Maria", "line ends in a name are spaces");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM list_subscribers"), 12,
	    "all on both lists");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM consents WHERE source = 'import'"),
	    6, "the history of each says where from");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM import_chunks"), 0,
	    "the file is gone");
}

static void rows(struct dbtest *t)
{
	int64_t id;

	it_set_up(t);
	id = it_imported(t,
	    "\xEF\xBB\xBF"
	    "E-Mail;Vorname;Nachname;Kunde seit;Roast;Beutel;Gruppe;Telefon\r\n"
	    "maja@fjord.example;Maja;Lindqvist;03.11.2021;filter;14;linden, vip;+49 "
	    "511\r\n"
	    "YUSUF@Bluebox.example;Yusuf;Demirci;17.02.2023;omni;1,5;;\r\n"
	    "rosa@b\xC3\xBC"
	    "cher.example;\"Rosa\r\nMaria\";;;;;;\r\n"
	    "tomas@gmail,com;Tomas;;;;;;\r\n"
	    "nobody;;;;;;;\r\n"
	    "a b@x.example;;;;;;;\r\n"
	    "anna@x.example;Anna;;31.02.2021;;;;\r\n"
	    "bo@x.example;Bo;;;;many;;\r\n"
	    ";;;;;;;\r\n"
	    "carl@x.example;Carl;;;;;;;;;more\r\n"
	    "maja@FJORD.example;Maja;Lind;;;;new;\r\n"
	    "maja@fjord.example;;;;;;vip;\r\n"
	    "last@x.example;Last",
	    "{\"lists\":[1,2]}", "done 13: 6 1 1 0 5",
	    "each row counts once, bad ones apart");
	ok(it_has_refusal(t, id, 4, "comma in the domain"), "a comma");
	ok(it_has_refusal(t, id, 5, "no @"), "no @");
	ok(it_has_refusal(t, id, 6, "a space"), "a space");
	ok(it_has_note(t, id, 7, "Kunde seit: “31.02.2021” is not a date"),
	    "no such day, but the person comes");
	ok(it_has_note(t, id, 8, "Beutel: “many” is not a number"), "no number");
	ok(it_has_refusal(t, id, 9, "no address"), "an empty row");
	ok(it_has_refusal(t, id, 10, "11 cells where the file has 8"),
	    "too many cells");
	stored(t);
}

static void existing(struct dbtest *t)
{
	const char *csv =
	    "email,first_name,city,tags\nmaja@x.example,New,Bonn,b\nbo@x.example,Bo,,\n"
	    "gone@x.example,Gone,,\nold@x.example,,,\n";
	struct subscriber *s;

	it_set_up(t);
	dbtest_script(t->db,
	    "INSERT INTO subscribers (id, brand_id, email, email_key, status, "
	    "first_name, custom,"
	    " created_at, updated_at) VALUES"
	    " (1, 1, 'maja@x.example', 'maja@x.example', 'active', 'Maja', "
	    "'{\"bags\":3}', 1, 1),"
	    " (2, 1, 'bo@x.example', 'bo@x.example', 'active', 'Bo', '{}', 1, 1),"
	    " (3, 1, 'old@x.example', 'old@x.example', 'bounced', '', '{}', 1, 1);"
	    "INSERT INTO subscriber_tags VALUES (1, 1, 'a');"
	    "INSERT INTO suppressions VALUES (1, 'gone@x.example', 'unsubscribed', '', "
	    "1)");
	it_imported(t, csv, "{\"existing\":\"leave\"}", "done 4: 0 0 2 2 0",
	    "leave changes nothing");
	ok(it_has_refusal(t, 1, 3, "is suppressed"), "a suppressed row says so");
	it_imported(t, csv, "{\"existing\":\"fill\"}", "done 4: 0 1 1 2 0",
	    "fill fills");
	ok(subscriber_get(t->db, t->mem, 1, 1, &s) == OK, "Maja is there");
	is_text(s->first_name, "Maja", "what was there stays");
	is_text(json_text(s->custom, "city", ""), "Bonn", "what was empty is filled");
	is_int(json_int(s->custom, "bags", 0), 3, "what the file has not stays");
	is_int((int64_t)json_object_array_length(s->tags), 2, "tags come on top");
	it_imported(t, csv, "{\"existing\":\"update\"}", "done 4: 0 1 1 2 0",
	    "update updates");
	ok(subscriber_get(t->db, t->mem, 1, 1, &s) == OK &&
		strcmp(s->first_name, "New") == 0,
	    "what was there is replaced");
	it_imported(t, csv, NULL, "done 4: 0 0 2 2 0", "a second time changes nothing");
	it_imported(t, csv, "{\"lists\":[1]}", "done 4: 0 2 0 2 0",
	    "being put on a list is a change");
	it_imported(t, csv, "{\"lists\":[1]}", "done 4: 0 0 2 2 0", "once");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM subscribers WHERE status = 'active'"),
	    2, "nobody comes back, nobody who left comes in");
}

/* An import is no consent: whatever it changes, everybody stays what they were. */
static void keeps_status(struct dbtest *t)
{
	static const char *const policies[] = { "leave", "fill", "update" };
	static const char all[] =
	    "SELECT count(*) FROM subscribers WHERE email = status || '@x.example'";
	const char *csv =
	    "email,first_name\nactive@x.example,A\nunconfirmed@x.example,U\n"
	    "unsubscribed@x.example,N\nbounced@x.example,B\ncomplained@x.example,C\n";

	it_set_up(t);
	dbtest_script(t->db,
	    "INSERT INTO subscribers (brand_id, email, email_key, status, created_at,"
	    " updated_at) SELECT 1, s || '@x.example', s || '@x.example', s, 1, 1 FROM"
	    " (SELECT 'active' AS s UNION SELECT 'unconfirmed' UNION SELECT"
	    " 'unsubscribed' UNION SELECT 'bounced' UNION SELECT 'complained') x");
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		const char *how = mem_printf(t->mem,
		    "{\"existing\":\"%s\",\"lists\":[1]}", policies[i]);

		it_imported(t, csv, how,
		    i < 2 ? "done 5: 0 2 0 3 0" : "done 5: 0 0 2 3 0", policies[i]);
		is_int(dbtest_int(t->db, all), 5, "%s: nobody is another", policies[i]);
	}
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM subscribers WHERE first_name <> ''"),
	    2, "the names came, of who may be written to or has yet to confirm");
}

static void broken(struct dbtest *t)
{
	size_t n = 1024 * 1024;
	char *big = mem_zero(t->mem, n + 200, "big");
	int64_t id;

	it_set_up(t);
	id = it_imported(t,
	    "email,first_name\na@x.example,\"Anna\nb@x.example,Bo\nc@x.example,"
	    "\"C\"arl\n"
	    "d@x.example,\"D\"\ne@x.example,Ed\"die\n",
	    NULL, "done 5: 3 0 0 0 2", "a broken quote costs its row only");
	ok(it_has_refusal(t, id, 1, "quote"), "an open one");
	ok(it_has_refusal(t, id, 3, "quote"), "text after one");

	strcpy(big, "email,first_name\na@y.example,");
	memset(big + strlen(big), 'x', n);
	strcat(big, "\nb@y.example,Bo\n");
	id = it_imported(t, big, NULL, "done 2: 1 0 0 0 1",
	    "a cell of 1 MB costs its row only");
	ok(it_has_refusal(t, id, 1, "64 KB"), "and says so");

	it_imported(t, "name,email\nJ\xFCrgen,j@z.example\nJ\xC3\xB6rg,k@z.example\n",
	    NULL, "done 2: 2 0 0 0 0", "Latin-1, even mixed");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM subscribers WHERE email_key = 'k@z.example'"),
	    1, "reads both");
	it_imported(t, "Vorname\temail\nJ\xFCrgen\tl@z.example\n", NULL,
	    "done 1: 1 0 0 0 0", "tabs");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM subscribers WHERE first_name = 'Jürgen'"),
	    2, "and umlauts");
	it_imported(t, "m@z.example,Mia\nn@z.example,Noa\n", NULL, "done 2: 2 0 0 0 0",
	    "a file without names of columns");
	it_imported(t, "email,first_name\n=x@z.example,'=1+1\n", NULL,
	    "done 1: 1 0 0 0 0", "the guard of an export is taken away");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM subscribers WHERE first_name = '=1+1'"),
	    1, "from the value");
}

static void utf16(struct dbtest *t)
{
	static const char le[] = "\xFF\xFE"
				 "e\0m\0a\0i\0l\0,\0n\0a\0m\0e\0\n\0"
				 "a\0@\0x\0.\0e\0x\0a\0m\0p\0l\0e\0,\0\xFC\0\n\0";
	struct form *f = it_upload(t->mem, le, sizeof(le) - 1,
	    "{\"mapping\":{\"email\":\"email\",\"name\":\"first_name\"}}");
	struct import *i;

	it_set_up(t);
	ok(import_create(t->db, t->mem, &it_api, f, &i) == OK,
	    "import_create takes UTF-16");
	it_works(t);
	it_is_counts(t, i->id, "done 1: 1 0 0 0 0", "and reads it");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM subscribers WHERE first_name = 'ü'"),
	    1, "all of it");
}

/* ---- guessing, previewing, starting, stopping ---- */

static void starting(struct dbtest *t, struct import *i)
{
	struct form *f;

	f = form_new(t->mem);
	form_add(f, "map[0]", "email");
	form_add(f, "map[1]", "email");
	ok(import_start(t->db, t->mem, i, 1, f) == ERR_INVALID &&
		form_error(f, "mapping"),
	    "import_start refuses two columns for one field");
	f = form_new(t->mem);
	form_add(f, "map[0]", "email");
	dbtest_script(t->db,
	    "INSERT INTO lists (id, brand_id, name, created_at, updated_at)"
	    " VALUES (77, 1, 'Taken', 1, 1)");
	form_add(f, "new_list", "Taken");
	ok(import_start(t->db, t->mem, i, 1, f) == ERR_INVALID &&
		form_error(f, "new_list"),
	    "and a new list with the name of one there is");
	/* the rows above have numbers of their own, which PostgreSQL does not count */
	if (db_kind(t->db) == DB_POSTGRES)
		dbtest_script(t->db,
		    "SELECT setval(pg_get_serial_sequence('lists', 'id'), 1000)");
	f = form_new(t->mem);
	form_add(f, "map[0]", "email");
	form_add(f, "map[3]", "since");
	form_add(f, "map[4]", "+");
	form_add(f, "lists", "1");
	form_add(f, "new_list", " Guests ");
	ok(import_start(t->db, t->mem, i, 1, f) == OK, "import_start starts");
	ok(import_start(t->db, t->mem, i, 1, f) == ERR_CONFLICT, "once");
	it_works(t);
	it_is_counts(t, i->id, "done 3: 1 0 0 1 1", "works as mapped");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM subscribers WHERE custom ->> 'neu' = 'n1'"
		   " AND custom ->> 'since' = '2020-11-24' AND first_name = ''"),
	    1, "with a field made on the way");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM list_subscribers m JOIN lists l"
		   " ON l.id = m.list_id WHERE l.name = 'Guests' OR l.id = 1"),
	    2, "on the list chosen and the list made");
}

static void pages(struct dbtest *t)
{
	const struct import_request page = { .brand = 1, .now = 1000 };
	const char *csv = "E-Mail Adresse;Prénom;Röstung;Kunde seit;Neu\n"
			  "maja@x.example;Maja;filter;11/24/2020;n1\nx@y,z;X;;;\n"
			  "left@x.example;L;;;\n";
	struct form *f = it_upload(t->mem, csv, strlen(csv), NULL);
	struct json_object *rows, *columns;
	struct import *i;

	it_set_up(t);
	dbtest_script(t->db,
	    "INSERT INTO suppressions VALUES (1, 'left@x.example', 'manual', '', 1)");
	ok(import_create(t->db, t->mem, &page, f, &i) == OK, "a page uploads first");
	it_works(t);
	ok(import_get(t->db, t->mem, 1, i->id, &i) == OK && i->state == IMPORT_MAPPING,
	    "and waits for the mapping");
	columns = json_get(i->format, "columns");
	is_text(json_text(json_object_array_get_idx(columns, 0), "guess", ""), "email",
	    "guesses content");
	is_text(json_text(json_object_array_get_idx(columns, 1), "guess", ""),
	    "first_name", "names");
	is_text(json_text(json_object_array_get_idx(columns, 3), "guess", ""), "since",
	    "fields");
	is_text(json_text(json_object_array_get_idx(columns, 3), "dates", ""), "mdy",
	    "months first");
	is_int(json_int(i->format, "bad", 0), 1, "knows how many will be refused");
	ok(import_preview(t->db, t->mem, i, &rows) == OK &&
		json_object_array_length(rows) == 3,
	    "import_preview shows rows");
	is_text(json_text(json_object_array_get_idx(rows, 0), "result", ""), "new",
	    "new ones");
	is_text(json_text(json_object_array_get_idx(rows, 1), "result", ""), "refused",
	    "refused ones");
	is_text(json_text(json_object_array_get_idx(rows, 2), "result", ""),
	    "suppressed", "and those");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM subscribers"), 0,
	    "and stores nothing");
	starting(t, i);
	i = it_made(t, csv, NULL);
	ok(import_row_cancel(t->db, 2, i->id, 1) == ERR_CONFLICT,
	    "not by another brand");
	ok(import_row_cancel(t->db, 1, i->id, 1) == OK, "import_row_cancel stops");
	it_works(t);
	it_is_counts(t, i->id, "cancelled 0: 0 0 0 0 0", "and nothing is done");
}

/* ---- killed at any moment ---- */

enum { PEOPLE = 40000 };

static char *many(void *mem)
{
	struct buf *b = buf_new(mem);

	buf_str(b, "email,first_name,city,tags\n");
	for (int k = 0; k < PEOPLE; k++) {
		if (k % 1000 == 7)
			buf_printf(b, "broken%d,\"open\n", k);
		else if (k % 100 == 9) /* comes again */
			buf_printf(b, "p%d@x.example,Again,Town,\n", k - 9);
		else
			buf_printf(b, "p%d@x.example,Name %d,\"Town\n%d\",t%d;u\n", k,
			    k, k, k % 5);
	}
	return b->data;
}

static void child(struct dbtest *t, int round)
{
	void *mem = mem_scope(NULL, "child");
	const struct clock clock = clock_fixed(5000 + round * 61000LL);
	struct app app = { .clock = &clock, .log = *t->log };
	struct work_report w;

	if (db_open(mem, t->url, t->log, &app.db) != OK ||
	    import_work(&app, 60000, &w) != OK)
		_exit(1);
	_exit(0);
}

static void killed(struct dbtest *t)
{
	int status = 1, round, kills = 0;
	struct import *i;

	it_set_up(t);
	dbtest_script(t->db,
	    "INSERT INTO suppressions VALUES (1, 'p5@x.example', 'manual', '', 1)");
	i = it_made(t, many(t->mem), "{\"lists\":[1]}");
	srand(7);
	for (round = 0; round < 60; round++) {
		pid_t pid = fork();

		if (pid == 0)
			child(t, round);
		if (round < 30) {
			usleep((useconds_t)(20000 + rand() % 150000));
			kill(pid, SIGKILL);
		}
		waitpid(pid, &status, 0);
		kills += WIFSIGNALED(status);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			break;
	}
	diag("killed %d times", kills);
	ok(kills > 0, "import_work was killed");
	it_is_counts(t, i->id, "done 40000: 39559 400 0 1 40",
	    "and counts as if it had not been");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM subscribers"), 39559,
	    "everyone is there");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM list_subscribers"), 39559,
	    "on the list");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM consents"), 39559,
	    "with one consent each");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM import_chunks"), 0,
	    "and the file is gone");
}

int main(void)
{
	dbtest_run(rows);
	dbtest_run(existing);
	dbtest_run(keeps_status);
	dbtest_run(broken);
	dbtest_run(utf16);
	dbtest_run(pages);
	dbtest_run(killed);
	return done_testing();
}
