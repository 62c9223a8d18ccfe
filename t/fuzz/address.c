#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "service/address.h"

/* What is taken is taken again, as the same; what is refused has a sentence. */
const size_t fuzz_max = 1000;

void fuzz_one(void *mem, const char *s, size_t n)
{
	const char *text = fuzz_text(mem, s, n), *why = NULL;
	struct address a, again;

	if (address_parse(mem, text, &a, &why) != OK) {
		FUZZ_CHECK(!text_empty(why));
		return;
	}
	FUZZ_CHECK(strchr(a.email, '@') && strchr(a.key, '@'));
	FUZZ_CHECK(!text_has_control(a.email) && !strpbrk(a.key, " <>,;\"\n"));
	FUZZ_CHECK(strlen(address_wire(mem, a.email)) <= 320);
	FUZZ_CHECK(address_parse(mem, a.email, &again, &why) == OK);
	FUZZ_CHECK(text_equal(a.email, again.email) && text_equal(a.key, again.key));
	FUZZ_CHECK(address_parse(mem, a.key, &again, &why) == OK);
	FUZZ_CHECK(text_equal(a.key, again.key));
}
