#include "repo/provider.h"

#include <string.h>

#include "dbtest.h"
#include "repo/brand.h"
#include "tap.h"

static void test(struct dbtest *t)
{
	struct brand b = { .name = "B",
		.from_name = "",
		.from_email = "",
		.reply_to = "",
		.postal_address = "",
		.time_zone = "UTC",
		.hook_token = "t" };
	struct provider_settings p = { .kind = PROVIDER_SES,
		.mode = SEND_BULK,
		.region = "eu-central-1",
		.endpoint = "",
		.configuration_set = "cs",
		.rate = 12.5,
		.access_key_id = "AKIA",
		.secret = "\0box",
		.secret_len = 4,
		.account_key = "k" },
				 *found;

	ok(brand_add(t->db, &b, 1) == OK, "brand_add adds");
	ok(provider_settings_get(t->db, t->mem, b.id, &found) == ERR_NOTFOUND,
	    "provider_settings_get misses");
	p.brand_id = b.id;
	ok(provider_settings_put(t->db, &p, 1) == OK, "provider_settings_put adds");
	ok(provider_settings_get(t->db, t->mem, b.id, &found) == OK,
	    "provider_settings_get finds");
	ok(found->kind == PROVIDER_SES && found->mode == SEND_BULK,
	    "provider_settings_get reads the words");
	ok(found->rate > 12.4 && found->rate < 12.6,
	    "provider_settings_get reads the rate");
	ok(found->secret_len == 4 && memcmp(found->secret, "\0box", 4) == 0,
	    "provider_settings_get reads the sealed secret byte by byte");
	found->max_rate = 14;
	found->max_day = 50000;
	found->account_json = "{\"a\":1}";
	found->checked_at = 9;
	ok(provider_settings_account(t->db, found) == OK,
	    "provider_settings_account writes");
	p.kind = PROVIDER_OUTBOX;
	p.secret = NULL;
	ok(provider_settings_put(t->db, &p, 2) == OK, "provider_settings_put replaces");
	ok(provider_settings_get(t->db, t->mem, b.id, &found) == OK,
	    "provider_settings_get finds again");
	ok(found->kind == PROVIDER_OUTBOX && found->secret == NULL,
	    "provider_settings_put takes the secret away");
	is_int((int64_t)found->max_day, 50000,
	    "provider_settings_put leaves what the account said");
	is_int(found->checked_at, 9, "provider_settings_account wrote the time");
	p.account_key = "other";
	ok(provider_settings_put(t->db, &p, 3) == OK,
	    "provider_settings_put changes the account");
	ok(provider_settings_get(t->db, t->mem, b.id, &found) == OK &&
		found->max_day < 1 && found->checked_at == 0,
	    "provider_settings_put forgets what another account said");
}

int main(void)
{
	dbtest_run(test);
	return done_testing();
}
