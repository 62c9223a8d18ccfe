#pragma once

#include "send/provider.h"

/* One table: what every error of Amazon SES means for the message it is about. */
struct ses_error {
	const char *name;
	enum outcome outcome;
	const char *reason; /* sentence for a person */
};
/* status: of HTTP, not 200; name: of the error, "" when it has none. */
struct ses_error ses_error_of(long status, const char *name);
/* status: of one entry of a bulk answer, not SUCCESS; "" when it has none. */
struct ses_error ses_error_of_entry(const char *status);
/* What is said when a day's quota is used up. */
extern const char ses_quota[];
