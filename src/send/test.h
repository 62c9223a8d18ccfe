#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "app.h"
#include "model/brand.h"
#include "model/campaign.h"
#include "model/contact.h"

enum { TEST_ADDRESSES_MAX = 10 };

struct test_result {
	const char *address;
	bool sent;
	const char *text; /* sentence when it was not, or is not known to be */
};

struct test_people {
	const char *const *addresses;
	size_t n;
	const struct subscriber *as; /* whose data is used; NULL: an example */
	struct test_result *results; /* n elements, filled; texts owned by mem */
};

/*
 * Sends the campaign as it stands to up to TEST_ADDRESSES_MAX addresses through the
 * brand's provider, rendered with the data of who->as, untracked, outside the ledger,
 * subject marked "[Test] ".  Waits for the answers (at most 30 s).  ERR_INVALID and
 * *why when nothing could be sent at all (the content has an error, the provider is not
 * set up).
 */
enum err send_test(void *mem, struct app *app, const struct campaign *c,
    const struct brand *b, struct test_people *who, const char **why) MUST_CHECK;
