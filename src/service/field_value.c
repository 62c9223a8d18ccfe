#include "service/field.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "service/field_date.h"

enum { SHOWN = 40, DIGITS = 64 };

/* clang-format off */
static const char *const yes[] = { "true", "1", "yes", "on", "y", "ja", "j", "oui", "si", "sí",
	"sim", "tak", "x", "wahr", "vrai", "да", "はい", "是", NULL };
/* clang-format on */
/* clang-format off */
static const char *const no[] = { "false", "0", "no", "off", "n", "nein", "non", "não", "nie",
	"falsch", "faux", "нет", "いいえ", "否", "-", NULL };
/* clang-format on */
enum { STRICT_WORDS = 4 }; /* of yes and no, what a form or the API may say */

static bool among(const char *s, const char *const *words, size_t max)
{
	for (size_t i = 0; words[i] && i < max; i++)
		if (text_equal(s, words[i]))
			return true;
	return false;
}

static const char *complain(void *mem, const struct field *f, const char *text,
    const char *what)
{
	bool longer = text_length(text) > SHOWN;
	size_t n = strlen(text);

	while (longer && (n > SHOWN || ((unsigned char)text[n] & 0xC0) == 0x80))
		n--;
	return mem_printf(mem, "%s: “%.*s%s” is not %s.", f->label, (int)n, text,
	    longer ? "…" : "", what);
}

/*
 * "1.234,56", "1,234.56", "1 234,56", "12,5" -> C notation.  A lone comma is the
 * decimal sign unless exactly three digits follow it; of two kinds of sign the last one
 * is it.
 */
static void plain_number(const char *text, char *out)
{
	const char *comma = strrchr(text, ','), *dot = strrchr(text, '.');
	char decimal = comma && (!dot || comma > dot) ? ',' : '.';
	size_t n = 0;

	if (comma && !dot && (strlen(comma) == 4 || strchr(text, ',') != comma))
		decimal = '.';
	if (dot && !comma && strchr(text, '.') != dot)
		decimal = ',';
	for (const char *p = text; *p && n < DIGITS - 1; p++) {
		if (*p == decimal)
			out[n++] = '.';
		else if (*p != ',' && *p != '.' && *p != ' ' && *p != '\'' &&
		    *p != '\xC2' && *p != '\xA0')
			out[n++] = *p;
	}
	out[n] = '\0';
}

static struct json_object *number(void *mem, const char *text, bool loose)
{
	char plain[DIGITS];
	int64_t whole;
	double v;

	snprintf(plain, sizeof(plain), "%s", text);
	if (strlen(text) >= DIGITS)
		return NULL;
	if (loose)
		plain_number(text, plain);
	if (text_to_int(plain, -(1LL << 53), 1LL << 53, &whole))
		return json_own(mem, json_object_new_int64(whole));
	if (!text_to_double(plain, &v))
		return NULL;
	if (v == floor(v) && fabs(v) < 9e15)
		return json_own(mem, json_object_new_int64((int64_t)v));
	snprintf(plain, sizeof(plain), "%.15g", v);
	return json_own(mem, json_object_new_double_s(v, plain));
}

static struct json_object *date(void *mem, const char *text,
    const struct field_reading *how)
{
	char out[11];

	return field_date_read(text, how, out) == DATE_GOT
	    ? json_own(mem, json_object_new_string(out))
	    : NULL;
}

static struct json_object *boolean(void *mem, const char *text, bool loose)
{
	const char *low = text_lower(mem, text);
	size_t max = loose ? SIZE_MAX : STRICT_WORDS;

	if (among(low, yes, max))
		return json_own(mem, json_object_new_boolean(1));
	if (among(low, no, max))
		return json_own(mem, json_object_new_boolean(0));
	return NULL;
}

static struct json_object *choice(void *mem, const struct field *f, const char *text,
    const struct field_reading *how)
{
	size_t n = json_object_array_length(f->choices);
	const char *low = how->loose ? text_lower(mem, text) : text;

	for (size_t i = 0; i < n; i++) {
		struct json_object *c = json_object_array_get_idx(f->choices, i);
		const char *s = json_object_get_string(c);

		if (text_equal(s, text) ||
		    (how->loose && text_equal(text_lower(mem, s), low)))
			return json_own(mem, json_object_new_string(s));
	}
	if (how->new_choices && n < CHOICES_MAX && !text_has_control(text)) {
		json_push_text(f->choices, text);
		return json_own(mem, json_object_new_string(text));
	}
	return NULL;
}

static const char *const what[] = {
	[FIELD_NUMBER] = "a number",
	[FIELD_DATE] = "a date like 2026-11-24",
	[FIELD_BOOLEAN] = "yes or no",
	[FIELD_CHOICE] = "one of the choices",
};

static struct json_object *convert(void *mem, const struct field *f, const char *text,
    const struct field_reading *how)
{
	switch (f->type) {
	case FIELD_NUMBER: return number(mem, text, how->loose);
	case FIELD_DATE: return date(mem, text, how);
	case FIELD_BOOLEAN: return boolean(mem, text, how->loose);
	case FIELD_CHOICE: return choice(mem, f, text, how);
	case FIELD_TEXT: break;
	}
	return json_own(mem, json_object_new_string(text));
}

static bool day_of_no_year(const char *s, const struct field_reading *how)
{
	char out[11];

	return field_date_read(s, how, out) == DATE_NO_YEAR;
}

enum err field_value(void *mem, const struct field *f, const char *text,
    const struct field_reading *how, struct json_object **out, const char **why)
{
	const char *s = text_trim(mem, text ? text : "");

	*out = NULL;
	if (!*s)
		return OK;
	if (!text_is_utf8(s, strlen(s))) {
		*why = mem_printf(mem, "%s: the value has bytes that are no text.",
		    f->label);
		return ERR_INVALID;
	}
	if (how->loose)
		s = text_one_line(mem, s);
	if (text_has_control(s)) {
		*why = mem_printf(mem,
		    "%s: use one line, without line breaks or control characters.",
		    f->label);
		return ERR_INVALID;
	}
	if (text_length(s) > VALUE_MAX) {
		*why = mem_printf(mem, "%s: the value is longer than %d characters.",
		    f->label, VALUE_MAX);
		return ERR_INVALID;
	}
	*out = convert(mem, f, s, how);
	if (*out)
		return OK;
	*why = complain(mem, f, s,
	    f->type == FIELD_DATE && day_of_no_year(s, how) ? "a date with a year"
							    : what[f->type]);
	return ERR_INVALID;
}
