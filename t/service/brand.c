#include "service/brand.h"

#include <string.h>

#include "base/mem.h"
#include "dbtest.h"
#include "repo/brand.h"
#include "repo/provider.h"
#include "tap.h"

#define NOW INT64_C(1764000000000)

static void test_brand(struct dbtest *t)
{
	struct form *f = form_new(t->mem);
	struct brand *b;

	form_add(f, "name", " ");
	form_add(f, "from_email", "no address");
	form_add(f, "time_zone", "Mars/Base");
	ok(brand_create(t->db, t->mem, f, 0, NOW, &b) == ERR_INVALID,
	    "brand_create refuses a bad form");
	ok(form_error(f, "name") && form_error(f, "from_email") &&
		form_error(f, "time_zone"),
	    "and says so at each field");
	f = form_new(t->mem);
	form_add(f, "name", "Nordlicht");
	form_add(f, "from_email", "hello@NORDLICHT.example");
	ok(brand_create(t->db, t->mem, f, 0, NOW, &b) == OK, "brand_create makes one");
	is_text(b->from_name, "Nordlicht", "brand_create sends in the brand's name");
	is_text(b->from_email, "hello@nordlicht.example",
	    "brand_create writes the domain in lower case");
	is_text(b->time_zone, "UTC", "brand_create takes UTC where no zone is given");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM providers WHERE kind = 'outbox'"),
	    1, "brand_create gives it the outbox");
	f = form_new(t->mem);
	form_add(f, "postal_address", "Road 1\nTown");
	ok(brand_change(t->db, t->mem, b, f, NOW + 5) == OK, "brand_change changes");
	is_text(b->name, "Nordlicht", "brand_change leaves what was not sent");
	is_text(b->postal_address, "Road 1\nTown", "brand_change keeps lines");
	f = form_new(t->mem);
	form_add(f, "name", "Nordlicht\r\nBcc: x");
	ok(brand_change(t->db, t->mem, b, f, NOW + 5) == ERR_INVALID,
	    "brand_change refuses line ends in a name");
}

static enum err change(struct dbtest *t, const struct provider_wish *w, struct form *f,
    struct provider_settings **p, const char *const pairs[][2])
{
	for (; (*pairs)[0]; pairs++)
		form_add(f, (*pairs)[0], (*pairs)[1]);
	return provider_change(t->db, t->mem, w, f, p);
}

static void test_provider(struct dbtest *t)
{
	struct keyring keys = { 0 };
	struct provider_wish w = { .keys = &keys, .now = NOW };
	struct provider_settings *p;
	struct form *f = form_new(t->mem);
	struct brand *b;
	char *plain;

	form_add(f, "name", "B");
	ok(brand_create(t->db, t->mem, f, 0, NOW, &b) == OK, "brand_create makes one");
	w.brand_id = b->id;
	f = form_new(t->mem);
	ok(change(t, &w, f, &p,
	       (const char *const[][2]){ { "kind", "ses" }, { "rate", "x" }, { 0 } }) ==
		ERR_INVALID,
	    "provider_change wants what Amazon wants");
	ok(form_error(f, "region") && form_error(f, "access_key_id") &&
		form_error(f, "secret_access_key") && form_error(f, "rate"),
	    "and says so at each field");
	ok(change(t, &w, form_new(t->mem), &p,
	       (const char *const[][2]){ { "kind", "ses" },
		   { "region", "eu-central-1" }, { "access_key_id", "AKIA1" },
		   { "secret_access_key", "s3cret" }, { "rate", "14" }, { 0 } }) == OK,
	    "provider_change sets SES");
	ok(secret_open(t->mem, &keys,
	       mem_printf(t->mem, "provider:%lld", (long long)b->id), p->secret,
	       p->secret_len, &plain) == OK &&
		strcmp(plain, "s3cret") == 0,
	    "provider_change seals the secret for this brand");
	ok(memmem(p->secret, p->secret_len, "s3cret", 6) == NULL,
	    "the secret cannot be read in the row");
	ok(change(t, &w, form_new(t->mem), &p,
	       (const char *const[][2]){ { "secret_access_key", "" },
		   { "mode", "bulk" }, { 0 } }) == OK &&
		p->secret_len > 0 && p->mode == SEND_BULK,
	    "an empty secret keeps the stored one");
	f = form_new(t->mem);
	ok(change(t, &w, f, &p,
	       (const char *const[][2]){ { "access_key_id", "AKIA2" }, { 0 } }) ==
		    ERR_INVALID &&
		form_error(f, "secret_access_key"),
	    "another key id wants its secret");
}

static enum err endpoint(struct dbtest *t, const struct provider_wish *w,
    const char *text, struct form *f)
{
	struct provider_settings *p;

	return change(t, w, f, &p,
	    (const char *const[][2]){ { "endpoint", text }, { 0 } });
}

static void test_endpoint(struct dbtest *t)
{
	static const char *const bad[] = { "http://ses.example", "ftp://x", "https://",
		"http://127.0.0.1.evil.example/", "https://user@ses.example" };
	struct keyring keys = { 0 };
	struct provider_wish w = { .keys = &keys, .now = NOW, .allow_loopback = true };
	struct form *f = form_new(t->mem);
	struct brand *b;

	form_add(f, "name", "B");
	ok(brand_create(t->db, t->mem, f, 0, NOW, &b) == OK, "brand_create makes one");
	w.brand_id = b->id;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		f = form_new(t->mem);
		ok(endpoint(t, &w, bad[i], f) == ERR_INVALID &&
			form_error(f, "endpoint"),
		    "provider_change refuses %s as an endpoint", bad[i]);
	}
	ok(endpoint(t, &w, "https://email.eu-central-1.amazonaws.com",
	       form_new(t->mem)) == OK,
	    "provider_change takes https");
	ok(endpoint(t, &w, "http://127.0.0.1:8155/", form_new(t->mem)) == OK,
	    "provider_change takes the loopback where allowed");
	w.allow_loopback = false;
	ok(endpoint(t, &w, "http://127.0.0.1:8155/", form_new(t->mem)) == ERR_INVALID,
	    "and not where it is not");
	is_text(ses_region_name("eu-central-1"), "Frankfurt",
	    "ses_region_name knows Frankfurt");
}

int main(void)
{
	dbtest_run(test_brand);
	dbtest_run(test_provider);
	dbtest_run(test_endpoint);
	return done_testing();
}
