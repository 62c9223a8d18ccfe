#include "service/import_guess.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "service/address.h"

/* Names of columns as `folded` leaves them: lower case, letters and digits only. */
/* clang-format off */
static const char *const words[][2] = {
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
};
/* clang-format on */

static const char *const
    dates_words[] = { [DATES_YMD] = "ymd", [DATES_DMY] = "dmy", [DATES_MDY] = "mdy" };

enum field_dates import_dates_from(const char *name)
{
	for (size_t i = 0; i < sizeof(dates_words) / sizeof(*dates_words); i++)
		if (text_equal(dates_words[i], name))
			return (enum field_dates)i;
	return DATES_DMY;
}

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
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (text_equal(fold, words[i][1]))
			return words[i][0];
	return "";
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

enum field_dates import_guess_dates(const struct import_file *x, size_t column)
{
	size_t day_first = 0, month_first = 0, slash = 0;
	int a, b;
	char sign;

	for (size_t i = 0; i < x->nsamples; i++) {
		if (sscanf(x->samples[i][column], "%2d%c%2d", &a, &sign, &b) != 3)
			continue;
		day_first += a > 12 && b <= 12;
		month_first += b > 12 && a <= 12;
		slash += sign == '/';
	}
	if (day_first == 0 && month_first == 0 && slash == 0)
		return DATES_DMY;
	return month_first > day_first ? DATES_MDY : DATES_DMY;
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
	enum field_dates dates = import_guess_dates(x, column);
	const struct field_reading how = { .loose = true, .dates = dates };
	const char *first = NULL, *why = NULL;
	size_t bad = 0;
	struct json_object *v;

	for (size_t i = 0; i < x->nsamples; i++) {
		const char *cell = csv_unguard(x->samples[i][column]);

		if (field_value(tmp, f, cell, &how, &v, &why) == OK)
			continue;
		if (bad++ == 0)
			first = cell;
	}
	json_set_text(o, "dates", dates_words[dates]);
	json_set_text(o, "sure", bad || f->type == FIELD_DATE ? "check" : "sure");
	if (bad && f->type == FIELD_CHOICE)
		json_set_text(o, "note",
		    mem_printf(mem, "“%.60s” is not a choice yet; it will be added",
			first));
	else if (bad)
		json_set_text(o, "note",
		    mem_printf(mem,
			"%zu of the first %zu rows do not fit, as "
			"“%.60s”; they will be refused",
			bad, x->nsamples, first));
	else if (f->type == FIELD_DATE && dates != DATES_YMD)
		json_set_text(o, "note",
		    dates == DATES_DMY ? "Read as day.month.year"
				       : "Read as month/day/year");
}

static void judge(void *mem, const struct import_file *x, size_t column,
    const struct field *fields, size_t nfields, struct json_object *o)
{
	const char *guess = json_text(o, "guess", "");
	const struct field *f = find(fields, nfields, guess);

	json_set_text(o, "sure", *guess ? "sure" : "none");
	json_set_text(o, "note",
	    *guess ? "" : "Left out. You can make a text field of it");
	if (f)
		judge_field(mem, x, column, f, o);
	else if (text_equal(guess, "email") && addresses(x, column) >= 0 &&
	    addresses(x, column) < 50) {
		json_set_text(o, "sure", "check");
		json_set_text(o, "note", "Most of these are no addresses");
	} else if (text_equal(guess, "tags")) {
		json_set_text(o, "sure", "likely");
		json_set_text(o, "note", "Split at “;” and “,”");
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
		const char *guess = json_text(o, "guess", "");

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
	return out;
}
