#pragma once

#include <stdint.h>

enum { BRAND_NAME_MAX = 100, FROM_NAME_MAX = 100, POSTAL_MAX = 300 };

struct brand {
	int64_t id;
	const char *name, *from_name, *from_email, *reply_to, *postal_address,
	    *time_zone;
	const char *hook_token;
	int64_t created_at, updated_at;
};

enum provider_kind { PROVIDER_OUTBOX, PROVIDER_SES };
enum send_mode { SEND_AUTO, SEND_BULK, SEND_SINGLE };

struct provider_settings {
	int64_t brand_id;
	enum provider_kind kind;
	enum send_mode mode;
	const char *region, *endpoint, *configuration_set;
	/* wished, recipients a second; 0: the account's */
	double rate;
	const char *access_key_id;
	const void *secret; /* sealed, context "provider:<brand>" */
	unsigned long secret_len;
	const char *account_key;
	double max_rate, max_day, sent_day; /* as the account said; 0: not known */
	const char *account_json;
	int64_t checked_at;
	int64_t updated_at; /* of what people set: another at every change */
};
