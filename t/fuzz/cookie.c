#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "http/cookie.h"

/* At most 64 cookies, none with a control; a plain one before the rest is always read.
 */
const size_t fuzz_max = 8000;

void fuzz_one(void *mem, const char *s, size_t n)
{
	const char *text = fuzz_text(mem, s, n);
	struct json_object *all = cookie_read(mem, text);

	FUZZ_CHECK(json_object_object_length(all) <= 64);
	json_object_object_foreach (all, name, value)
		FUZZ_CHECK(name[0] != '\0' &&
		    !text_has_control(json_object_get_string(value)));
	all = cookie_read(mem, mem_printf(mem, "ml_session=abc; %s", text));
	FUZZ_CHECK(text_equal(json_text(all, "ml_session", NULL), "abc"));
}
