#include "base/err.h"

#include <string.h>

#include "base/text.h"
#include "tap.h"

int main(void)
{
	int unnamed = 0, twins = 0;

	for (int i = 0; i < ERR_COUNT; i++) {
		unnamed +=
		    text_empty(err_name((enum err)i)) || err_status((enum err)i) < 200;
		for (int j = 0; j < i; j++)
			twins +=
			    text_equal(err_name((enum err)i), err_name((enum err)j));
	}
	is_int(unnamed, 0, "err_name and err_status know every error");
	is_int(twins, 0, "err_name gives each its own name");
	is_int(err_status(OK), 200, "err_status of OK is 200");
	is_int(err_status(ERR_INVALID), 422, "err_status of a wrong field is 422");
	is_int(err_status(ERR_LIMITED), 429, "err_status of a limit is 429");
	is_int(err_status((enum err)9999), 500, "err_status of nonsense is 500");
	is_text(err_name((enum err) - 1), "internal",
	    "err_name of nonsense is internal");
	return done_testing();
}
