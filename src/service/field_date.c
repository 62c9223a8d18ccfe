#include "service/field_date.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { PARTS = 3, WORD_BYTES = 40, AHEAD_YEARS = 20 };

/* How the names of the months begin, in lower case. */
/* clang-format off */
static const struct { const char *start; int month; } months[] = {
	{ "jan", 1 }, { "ene", 1 }, { "gen", 1 }, { "sty", 1 }, { "янв", 1 },
	{ "feb", 2 }, { "fév", 2 }, { "fev", 2 }, { "lut", 2 }, { "фев", 2 },
	{ "mar", 3 }, { "mär", 3 }, { "mrz", 3 }, { "mrt", 3 }, { "maa", 3 }, { "мар", 3 },
	{ "apr", 4 }, { "avr", 4 }, { "abr", 4 }, { "kwi", 4 }, { "апр", 4 },
	{ "may", 5 }, { "mai", 5 }, { "maj", 5 }, { "mei", 5 }, { "mag", 5 }, { "мая", 5 },
	{ "май", 5 }, { "jun", 6 }, { "juin", 6 }, { "giu", 6 }, { "cze", 6 }, { "июн", 6 },
	{ "jul", 7 }, { "juil", 7 }, { "lug", 7 }, { "lip", 7 }, { "июл", 7 },
	{ "aug", 8 }, { "aou", 8 }, { "aoû", 8 }, { "ago", 8 }, { "sie", 8 }, { "авг", 8 },
	{ "sep", 9 }, { "set", 9 }, { "wrz", 9 }, { "сен", 9 },
	{ "oct", 10 }, { "okt", 10 }, { "out", 10 }, { "ott", 10 }, { "paź", 10 }, { "окт", 10 },
	{ "nov", 11 }, { "lis", 11 }, { "ноя", 11 },
	{ "dec", 12 }, { "dez", 12 }, { "dic", 12 }, { "déc", 12 }, { "des", 12 }, { "gru", 12 },
	{ "дек", 12 },
};
static const char *const fillers[] = { "de", "del", "of", "the", "st", "nd", "rd", "th", "er",
	"den", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "年", "月", "日", "г", NULL };
/* clang-format on */

/* What a date is made of: up to three numbers, or two and the name of a month. */
struct parts {
	int v[PARTS];
	size_t len[PARTS];
	size_t n;
	int month;       /* by name; 0: none */
	size_t month_at; /* how many numbers stood before it */
};

static int month_of(const char *word)
{
	for (size_t i = 0; i < sizeof(months) / sizeof(*months); i++)
		if (text_starts(word, months[i].start))
			return months[i].month;
	return 0;
}

static bool is_filler(const char *word)
{
	for (size_t i = 0; fillers[i]; i++)
		if (text_equal(word, fillers[i]))
			return true;
	return false;
}

static bool is_letter(unsigned char c)
{
	return isalpha(c) || c > 127;
}

/* A word in a date: the name of a month, or one that says nothing. */
static bool take_word(struct parts *p, const char **at)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "word");
	const char *end = *at;
	char *word;

	while (is_letter((unsigned char)*end))
		end++;
	if (end - *at > WORD_BYTES)
		return false;
	word = text_lower(tmp, mem_strn(tmp, *at, (size_t)(end - *at)));
	*at = end;
	if (is_filler(word))
		return true;
	if (p->month || !month_of(word))
		return false;
	p->month = month_of(word);
	p->month_at = p->n;
	return true;
}

static bool take_number(struct parts *p, const char **at)
{
	size_t i = p->n;

	for (; isdigit((unsigned char)**at) && p->len[i] < 9; ++*at, p->len[i]++)
		p->v[i] = p->v[i] * 10 + (**at - '0');
	p->n++;
	return p->len[i] <= 4 || (p->len[i] == 8 && i == 0);
}

static bool whole(const struct parts *p)
{
	return p->n + (p->month ? 1 : 0) == PARTS || p->len[0] == 8;
}

/* Reads numbers and names up to the third; what follows may be a time of day only. */
static bool split(const char *s, struct parts *p)
{
	memset(p, 0, sizeof(*p));
	while (*s && !whole(p)) {
		bool ok = true;

		if (isdigit((unsigned char)*s))
			ok = take_number(p, &s);
		else if (is_letter((unsigned char)*s))
			ok = take_word(p, &s);
		else if (strchr("-./, ", *s))
			s++;
		else
			ok = false;
		if (!ok)
			return false;
	}
	if (strncmp(s, "日", strlen("日")) == 0)
		s += strlen("日");
	return !*s || *s == ' ' || *s == ',' || (*s == 'T' && isdigit(s[1])) ||
	    (*s == '.' && !s[1]);
}

static int full_year(int year, size_t len, const struct field_reading *how)
{
	int most = how->past ? how->year : how->year + AHEAD_YEARS;

	if (len != 2 || !how->loose)
		return year;
	year += 2000;
	return year > most ? year - 100 : year;
}

static enum date_got settle(int year, int month, int day, char out[11])
{
	char text[40];

	if (year < 1000 || year > 9999 || month > 99 || day > 99)
		return DATE_NOT;
	snprintf(text, sizeof(text), "%04d-%02d-%02d", year, month, day);
	if (!date_valid(text))
		return DATE_NOT;
	memcpy(out, text, 11);
	return DATE_GOT;
}

/* "25 Mar 1965", "Mar 25, 1965", "1965-Mar-25": the day is what a day can be. */
static enum date_got by_name(const struct parts *p, const struct field_reading *how,
    char out[11])
{
	size_t y = p->n == 2 && (p->len[0] == 4 || p->v[0] > 31) ? 0 : 1;

	if (p->n == 1)
		return p->len[0] <= 2 && p->v[0] >= 1 && p->v[0] <= 31 ? DATE_NO_YEAR
								       : DATE_NOT;
	if (p->n != 2)
		return DATE_NOT;
	return settle(full_year(p->v[y], p->len[y], how), p->month, p->v[1 - y], out);
}

static bool day_and_month(const struct parts *p)
{
	int a = p->v[0], b = p->v[1];

	return p->n == 2 && p->len[0] <= 2 && p->len[1] <= 2 && a >= 1 && b >= 1 &&
	    ((a <= 12 && b <= 31) || (b <= 12 && a <= 31));
}

static enum date_got by_number(const struct parts *p, const struct field_reading *how,
    char out[11])
{
	static const int order[][3] = { [DATES_YMD] = { 0, 1, 2 },
		[DATES_DMY] = { 2, 1, 0 },
		[DATES_MDY] = { 2, 0, 1 } };
	const int *o = order[p->len[0] == 4 ? DATES_YMD : how->dates];

	if (p->len[0] == 8)
		return p->n == 1
		    ? settle(p->v[0] / 10000, p->v[0] / 100 % 100, p->v[0] % 100, out)
		    : DATE_NOT;
	if (p->n != PARTS)
		return day_and_month(p) && how->loose ? DATE_NO_YEAR : DATE_NOT;
	return settle(full_year(p->v[o[0]], p->len[o[0]], how), p->v[o[1]], p->v[o[2]],
	    out);
}

enum date_got field_date_read(const char *text, const struct field_reading *how,
    char out[11])
{
	struct parts p;

	if (!split(text, &p))
		return DATE_NOT;
	return p.month ? by_name(&p, how, out) : by_number(&p, how, out);
}
