#include "service/field_date.h"

#include <string.h>

#include "tap.h"

static void reads(const char *text, enum field_dates order, bool past, const char *want)
{
	const struct field_reading how = { .loose = true,
		.dates = order,
		.year = 2026,
		.past = past };
	char out[11] = "";
	enum date_got got = field_date_read(text, &how, out);

	if (got == DATE_NO_YEAR)
		strcpy(out, "no year");
	is_text(got == DATE_NOT ? "not" : out, want, "field_date_read reads “%s”%s",
	    text, past ? ", which is past" : "");
}

int main(void)
{
	static const char *const march[] = { "2021-03-25", "25.03.2021", "25.3.2021",
		"25/03/2021", "25-Mar-2021", "25 Mar 21", "Mar 25, 2021",
		"March 25th 2021", "Thu, 25 Mar 2021", "25. März 2021", "25 mars 2021",
		"25 de marzo de 2021", "25 marzo 2021", "25 maart 2021",
		"25 marca 2021", "25 марта 2021 г.", "2021-Mar-25", "20210325",
		"2021年3月25日", "2021/3/25", "2021-03-25T10:11:12Z",
		"25.03.2021 10:11:12", "25. 3. 2021", "25.03.21" };
	static const char *const not [] = { "31.02.2021", "2021-13-01", "25",
		"Mar 2021", "2021-03", "yesterday", "1.2.3.4", "25-Mar-2021x",
		"25 Mar Apr 2021", "2021-03-25Tuesday", "", "/", "99999999", "32/33" };

	for (size_t i = 0; i < sizeof(march) / sizeof(*march); i++)
		reads(march[i], DATES_DMY, false, "2021-03-25");
	for (size_t i = 0; i < sizeof(not ) / sizeof(*not ); i++)
		reads(not [i], DATES_DMY, false, "not");
	reads("3/25/2021", DATES_MDY, false, "2021-03-25");
	reads("3/5/2021", DATES_MDY, false, "2021-03-05");
	reads("3/5/2021", DATES_DMY, false, "2021-05-03");
	reads("21/3/5", DATES_YMD, false, "2021-03-05");
	reads("03/25", DATES_DMY, false, "no year");
	reads("25.3.", DATES_DMY, false, "no year");
	reads("25 March", DATES_DMY, false, "no year");
	reads("1.1.46", DATES_DMY, false, "2046-01-01");
	reads("1.1.47", DATES_DMY, false, "1947-01-01");
	reads("1.1.26", DATES_DMY, true, "2026-01-01");
	reads("1.1.27", DATES_DMY, true, "1927-01-01");
	reads("25-Mar-65", DATES_DMY, true, "1965-03-25");
	return done_testing();
}
