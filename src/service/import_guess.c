#include "service/import_guess.h"

#include <ctype.h>
#include <string.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/field.h"
#include "service/address.h"
#include "service/import_type.h"

/* Names of columns as `folded` leaves them: lower case, letters and digits only. */
/* clang-format off */
static const char *const names[][2] = {
	{ "email", "email" }, { "email", "mail" }, { "email", "emailaddress" },
	{ "email", "mailaddress" }, { "email", "emailadresse" }, { "email", "mailadresse" },
	{ "email", "adresseemail" }, { "email", "courriel" }, { "email", "correo" },
	{ "email", "correoelectronico" }, { "email", "correoelectrónico" }, { "email", "eposta" },
	{ "email", "epost" }, { "email", "emailadres" }, { "email", "sähköposti" },
	{ "email", "indirizzoemail" }, { "email", "adresemail" }, { "email", "subscriberemail" },
	{ "email", "почта" }, { "email", "эл.почта" }, { "email", "メール" },
	{ "email", "メールアドレス" }, { "email", "电子邮件" }, { "email", "邮箱" },
	{ "first_name", "firstname" }, { "first_name", "first" }, { "first_name", "forename" },
	{ "first_name", "givenname" }, { "first_name", "fname" }, { "first_name", "vorname" },
	{ "first_name", "rufname" }, { "first_name", "prénom" }, { "first_name", "prenom" },
	{ "first_name", "nombre" }, { "first_name", "nome" }, { "first_name", "voornaam" },
	{ "first_name", "fornavn" }, { "first_name", "förnamn" }, { "first_name", "etunimi" },
	{ "first_name", "imię" }, { "first_name", "imie" }, { "first_name", "имя" },
	{ "first_name", "名" }, { "last_name", "lastname" }, { "last_name", "last" },
	{ "last_name", "surname" }, { "last_name", "familyname" }, { "last_name", "lname" },
	{ "last_name", "nachname" }, { "last_name", "familienname" }, { "last_name", "zuname" },
	{ "last_name", "nom" }, { "last_name", "nomdefamille" }, { "last_name", "apellido" },
	{ "last_name", "apellidos" }, { "last_name", "cognome" }, { "last_name", "sobrenome" },
	{ "last_name", "achternaam" }, { "last_name", "etternavn" }, { "last_name", "efternavn" },
	{ "last_name", "efternamn" }, { "last_name", "sukunimi" }, { "last_name", "nazwisko" },
	{ "last_name", "фамилия" }, { "last_name", "姓" }, { "tags", "tags" }, { "tags", "tag" },
	{ "tags", "labels" }, { "tags", "label" }, { "tags", "groups" }, { "tags", "group" },
	{ "tags", "gruppe" }, { "tags", "gruppen" }, { "tags", "groupe" }, { "tags", "groupes" },
	{ "tags", "etiquetas" }, { "tags", "étiquettes" }, { "tags", "schlagwörter" },
	{ "tags", "kategorie" }, { "tags", "segment" }, { "tags", "grupo" },
	{ "name", "name" }, { "name", "fullname" }, { "name", "contactname" }, { "name", "subscribername" },
	{ "name", "yourname" }, { "name", "vollername" }, { "name", "vollständigername" },
	{ "name", "nomcomplet" }, { "name", "nombrecompleto" }, { "name", "nomecompleto" },
	{ "name", "volledigenaam" }, { "name", "naam" }, { "name", "navn" }, { "name", "namn" },
	{ "name", "imięinazwisko" }, { "name", "фио" }, { "name", "姓名" }, { "name", "氏名" }, { "name", "名前" },
};
/* clang-format on */

static const char *folded(void *mem, const char *name)
{
	char *low = text_lower(mem, name), *out = low;

	for (const char *p = low; *p; p++)
		if (isalnum((unsigned char)*p) || (unsigned char)*p > 127)
			*out++ = *p;
	*out = '\0';
	return low;
}

static const char *by_name(void *mem, const char *name, const struct field *fields,
    size_t n)
{
	const char *fold = folded(mem, name);

	for (size_t i = 0; i < n; i++)
		if (text_equal(fold, folded(mem, fields[i].key)) ||
		    text_equal(fold, folded(mem, fields[i].label)))
			return fields[i].key;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (text_equal(fold, names[i][1]))
			return names[i][0];
	return "";
}

bool import_is_email_name(const char *name)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "name");

	return text_equal(by_name(tmp, name, NULL, 0), "email");
}

/* Share of the filled cells that are addresses, in percent; -1: none filled. */
static int addresses(const struct import_file *x, size_t column)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "addresses");
	size_t good = 0, all = 0;
	struct address a;
	const char *why;

	for (size_t i = 0; i < x->nsamples; i++) {
		const char *cell = csv_unguard(x->samples[i][column]);

		if (!*cell)
			continue;
		all++;
		good += strchr(cell, '@') && address_parse(tmp, cell, &a, &why) == OK;
	}
	return all ? (int)(good * 100 / all) : -1;
}

static const struct field *find(const struct field *fields, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (text_equal(fields[i].key, key))
			return &fields[i];
	return NULL;
}

/* Reads the samples as the field would; says what fails. */
static void judge_field(void *mem, const struct import_file *x, size_t column,
    const struct field *f, struct json_object *o)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "judge");
	const struct import_dates dates = import_dates_of(x, column);
	const struct field_reading how = { .loose = true,
		.dates = dates.order,
		.year = x->year };
	const char *first = NULL, *why = NULL;
	size_t bad = 0;
	struct json_object *v;

	for (size_t i = 0; i < x->nsamples; i++) {
		const char *cell = csv_unguard(x->samples[i][column]);

		if (csv_is_null(cell) ||
		    field_value(tmp, f, cell, &how, &v, &why) == OK)
			continue;
		if (bad++ == 0)
			first = cell;
	}
	json_set_text(o, "sure",
	    bad || (f->type == FIELD_DATE && dates.some) ? "check" : "sure");
	if (bad && f->type == FIELD_CHOICE)
		json_set_text(o, "note",
		    mem_printf(mem, "“%.60s” is not a choice yet; it will be added",
			first));
	else if (bad)
		json_set_text(o, "note",
		    mem_printf(mem,
			"%zu of the first %zu rows do not fit, as "
			"“%.60s”; there the field stays empty",
			bad, x->nsamples, first));
	else if (f->type == FIELD_DATE && dates.some && !dates.open)
		json_set_text(o, "note",
		    dates.order == DATES_MDY ? "Read as month/day/year"
					     : "Read as day.month.year");
}

static void judge(void *mem, const struct import_file *x, size_t column,
    const struct field *fields, size_t nfields, struct json_object *o)
{
	const char *guess = json_text(o, "guess", "");
	const struct field *f = find(fields, nfields, guess);

	json_set_text(o, "sure", *guess ? "sure" : "none");
	json_set_text(o, "note", *guess ? "" : "Left out. You can make a field of it");
	if (f)
		judge_field(mem, x, column, f, o);
	else if (text_equal(guess, "email") && addresses(x, column) >= 0 &&
	    addresses(x, column) < 50) {
		json_set_text(o, "sure", "check");
		json_set_text(o, "note", "Most of these are no addresses");
	} else if (text_equal(guess, "tags")) {
		json_set_text(o, "sure", "likely");
		json_set_text(o, "note", "Split at “;” and “,”");
	} else if (text_equal(guess, "name")) {
		json_set_text(o, "sure", "likely");
		json_set_text(o, "note", "Split into first and last name");
	}
}

/* Two cells that are not empty, to recognise the column by. */
static struct json_object *samples_of(void *mem, const struct import_file *x,
    size_t column)
{
	struct json_object *out = json_arr(mem);
	const char *last = "";

	for (size_t i = 0; i < x->nsamples && json_object_array_length(out) < 2; i++) {
		const char *cell = x->samples[i][column];

		if (!*cell || text_equal(cell, last))
			continue;
		json_push_text(out, cell);
		last = cell;
	}
	return out;
}

static int best_email(const struct import_file *x, struct json_object *columns)
{
	int best = -1, share = 0;

	for (size_t i = 0; i < x->columns; i++) {
		struct json_object *o = json_object_array_get_idx(columns, i);
		int n = addresses(x, i);

		if (text_equal(json_text(o, "guess", ""), "email"))
			n = n < 0 ? 50 : n + 101; /* a name weighs more than content */
		if (n > share && n >= 50) {
			share = n;
			best = (int)i;
		}
	}
	return best;
}

/* Beside a first name, "Name" is the last one, as German and Dutch files have it. */
static void settle_name(struct json_object *columns, struct json_object *o)
{
	bool first = false, last = false;

	if (!text_equal(json_text(o, "guess", ""), "name"))
		return;
	for (size_t i = 0; i < json_object_array_length(columns); i++) {
		const char *guess =
		    json_text(json_object_array_get_idx(columns, i), "guess", "");

		first |= text_equal(guess, "first_name");
		last |= text_equal(guess, "last_name");
	}
	if (first)
		json_set_text(o, "guess", last ? "" : "last_name");
}

/* How the dates of each column are written, whatever field it becomes. */
static void note_dates(const struct import_file *x, struct json_object *columns)
{
	struct import_dates other = { 0 };

	for (size_t i = 0; i < x->columns; i++) {
		struct import_dates d = import_dates_of(x, i);

		if (d.some && !d.open && d.order != DATES_YMD)
			other = d;
	}
	for (size_t i = 0; i < x->columns; i++) {
		struct json_object *o = json_object_array_get_idx(columns, i);
		struct import_dates d = import_dates_of(x, i);

		if (!d.some)
			continue;
		/* another column of the file was written by the same program */
		if (d.open && other.some)
			d = other;
		json_set_text(o, "dates", import_dates_name(d.order));
		json_set_bool(o, "dates_open", d.open);
	}
}

struct json_object *import_guess(void *mem, const struct import_file *x,
    const struct field *fields, size_t nfields, int *email)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "guess");
	struct json_object *out = json_arr(mem), *taken = json_obj(tmp);

	for (size_t i = 0; i < x->columns; i++) {
		struct json_object *o = json_obj(mem);

		json_set_text(o, "name", x->names[i]);
		json_set(o, "samples", samples_of(mem, x, i));
		json_set_text(o, "guess",
		    x->header ? by_name(tmp, x->names[i], fields, nfields) : "");
		json_push(out, o);
	}
	*email = best_email(x, out);
	for (size_t i = 0; i < x->columns; i++) {
		struct json_object *o = json_object_array_get_idx(out, i);
		const char *guess;

		settle_name(out, o);
		guess = json_text(o, "guess", "");
		if ((int)i == *email)
			json_set_text(o, "guess", "email");
		else if (text_equal(guess, "email") ||
		    (*guess && json_get(taken, guess)))
			json_set_text(o, "guess", "");
		guess = json_text(o, "guess", "");
		if (*guess)
			json_set_int(taken, guess, 1);
		judge(mem, x, i, fields, nfields, o);
	}
	note_dates(x, out);
	return out;
}

/* What to say of a column of status: how many rows say what. */
static const char *status_note(void *mem, struct json_object *counts)
{
	struct buf *b = buf_new(mem);

	json_object_object_foreach (counts, word, n)
		if (json_object_get_int64(n) > 0)
			buf_printf(b, "%s%s %s", b->len ? ", " : "",
			    text_count(mem, json_object_get_int64(n)), word);
	return b->data;
}

/* A file in which everybody is active warns of nothing. */
static bool says_more(struct json_object *counts)
{
	json_object_object_foreach (counts, word, n)
		if (!text_equal(word, "active") && json_object_get_int64(n) > 0)
			return true;
	return false;
}

static void guess_status(void *mem, const struct import_words *w, struct json_object *o)
{
	struct json_object *status = import_words_json(mem, w),
			   *counts = json_get(status, "counts");

	json_set(o, "status", status);
	if (!import_words_are_status(w))
		return;
	json_set_bool(o, "looks", says_more(counts));
	json_set_text(o, "guess", "status");
	json_set_text(o, "sure", json_int(counts, "unknown", 0) > 0 ? "check" : "sure");
	json_set_text(o, "note", status_note(mem, counts));
}

static void offer_field(const struct import_file *x, size_t column,
    const struct import_words *w, struct json_object *o)
{
	enum field_type type = import_type_guess(x, column, w);

	json_set_text(o, "new", field_type_name(type));
	json_set_bool(o, "offer",
	    !*json_text(o, "guess", "") && w->filled > 0 && x->header &&
		!import_is_technical(x->names[column]));
}

void import_guess_rest(const struct import_file *x, const struct import_words *words,
    struct json_object *columns)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "rest");

	for (size_t i = 0; i < x->columns; i++) {
		struct json_object *o = json_object_array_get_idx(columns, i);
		const char *guess = json_text(o, "guess", "");

		if (!text_equal(guess, "email") && !text_equal(guess, "first_name") &&
		    !text_equal(guess, "last_name"))
			guess_status(tmp, &words[i], o);
		offer_field(x, i, &words[i], o);
	}
}
