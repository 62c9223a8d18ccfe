#include "service/import_type.h"

#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "service/field_date.h"

enum { CHOICES_LIKELY = 12, CHOICE_ROWS = 20 };

static const char *const
    order_names[] = { [DATES_YMD] = "ymd", [DATES_DMY] = "dmy", [DATES_MDY] = "mdy" };

const char *import_dates_name(enum field_dates d)
{
	return order_names[d];
}

int import_dates_from(const char *name)
{
	for (int i = 0; i < 3; i++)
		if (text_equal(order_names[i], name))
			return i;
	return -1;
}

static bool has_part(const char *name, const char *const *parts)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "name");
	const char *low = text_lower(tmp, name);

	for (size_t i = 0; parts[i]; i++)
		if (strstr(low, parts[i]))
			return true;
	return false;
}

bool import_is_past(const char *name)
{
	static const char *const parts[] = { "birth", "bday", "born", "geburt",
		"geboren", "geboorte", "naissance", "naiss", "nacim", "nasc", "född",
		"fødsel", "urodz", "narozen", "рожд", "生日", "誕生", NULL };

	return has_part(name, parts) || text_equal_nocase(name, "dob");
}

bool import_is_technical(const char *name)
{
	static const char *const whole[] = { "leid", "euid", "id", "gmtoff", "dstoff",
		"contact id", "record id", "uuid", "member_rating", "last_changed",
		"subscriber id", "user id", "guid", "hash", NULL };
	MEM_SCOPE void *tmp = mem_scope(NULL, "name");
	const char *low = text_lower(tmp, name);

	for (size_t i = 0; whole[i]; i++)
		if (text_equal(low, whole[i]))
			return true;
	return text_ends(low, "_ip") || text_ends(low, " ip") ||
	    text_equal(low, "ip") || text_starts(low, "column ");
}

struct import_dates import_dates_of(const struct import_file *x, size_t column)
{
	struct import_dates d = { .order = DATES_DMY };
	size_t day = 0, month = 0, year = 0, all = 0, dots = 0;

	for (size_t i = 0; i < x->nsamples; i++) {
		int a, b, c, end = 0;
		char one, two;

		if (sscanf(x->samples[i][column], "%2d%c%2d%c%4d%n", &a, &one, &b, &two,
			&c, &end) != 5 ||
		    end == 0 || one != two || !strchr("/.-", one))
			continue;
		all++;
		day += a > 12 && a <= 31 && b <= 12;
		month += b > 12 && b <= 31 && a <= 12;
		year += a > 31;
		dots += one == '.';
	}
	d.some = all > 0;
	d.open = all > 0 && day + month + year == 0 && dots * 2 < all;
	if (year > 0)
		d.order = DATES_YMD;
	else if (month > day)
		d.order = DATES_MDY;
	return d;
}

/* True if all cells that are filled can be read as the type, and there are some. */
static bool all_fit(const struct import_file *x, size_t column, enum field_type type)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "type");
	const struct field f = { .label = "", .type = type, .choices = json_arr(tmp) };
	const struct field_reading how = { .loose = true,
		.dates = import_dates_of(x, column).order,
		.year = x->year };
	struct json_object *v;
	const char *why;
	size_t n = 0;

	for (size_t i = 0; i < x->nsamples; i++) {
		const char *cell = csv_unguard(x->samples[i][column]);

		if (!*cell || csv_is_null(cell))
			continue;
		if (field_value(tmp, &f, cell, &how, &v, &why) != OK)
			return false;
		n++;
	}
	return n > 0;
}

/* Numbers that are names: 0171 loses its zero, a postcode and a phone are no amounts.
 */
static bool are_names(const struct import_file *x, size_t column)
{
	static const char *const parts[] = { "phone", "telefon", "mobil", "tel", "sms",
		"zip", "post", "plz", "code", "number", "nummer", "nr", NULL };

	for (size_t i = 0; i < x->nsamples; i++) {
		const char *cell = x->samples[i][column];

		if (*cell == '+' ||
		    (*cell == '0' && cell[1] >= '0' && cell[1] <= '9') ||
		    strlen(cell) > 12)
			return true;
	}
	return has_part(x->names[column], parts);
}

static bool are_choices(const struct import_words *w)
{
	if (!w || w->many || w->count < 2 || w->count > CHOICES_LIKELY)
		return false;
	return w->filled >= CHOICE_ROWS && (int64_t)w->count * 4 <= w->filled;
}

enum field_type import_type_guess(const struct import_file *x, size_t column,
    const struct import_words *w)
{
	if (all_fit(x, column, FIELD_BOOLEAN))
		return FIELD_BOOLEAN;
	if (!are_names(x, column) && all_fit(x, column, FIELD_NUMBER))
		return FIELD_NUMBER;
	if (all_fit(x, column, FIELD_DATE))
		return FIELD_DATE;
	return are_choices(w) ? FIELD_CHOICE : FIELD_TEXT;
}
