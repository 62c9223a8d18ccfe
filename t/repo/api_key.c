#include "repo/api_key.h"

#include <string.h>

#include "dbtest.h"
#include "repo/brand.h"
#include "tap.h"

static void test_keys(struct dbtest *t)
{
	struct brand b = { .name = "B",
		.from_name = "",
		.from_email = "",
		.reply_to = "",
		.postal_address = "",
		.time_zone = "UTC",
		.hook_token = "t" };
	struct api_key k = { .name = "shop",
		.prefix = "ml_abcdef",
		.scopes = SCOPE_READ | SCOPE_SEND,
		.created_at = 1000 },
		       all = { .name = "all", .prefix = "ml_x", .scopes = SCOPE_READ };
	struct api_key *found;
	uint8_t hash[32], other[32];
	size_t n;

	memset(hash, 1, sizeof(hash));
	memset(other, 2, sizeof(other));
	ok(brand_add(t->db, &b, 1) == OK, "brand_add adds");
	k.brand_id = b.id;
	ok(api_key_add(t->db, &k, hash) == OK && k.id > 0, "api_key_add gives an id");
	ok(api_key_add(t->db, &all, other) == OK,
	    "api_key_add takes one for all brands");
	ok(api_key_find(t->db, t->mem, hash, &found) == OK, "api_key_find finds");
	ok(found->scopes == (SCOPE_READ | SCOPE_SEND), "api_key_find reads the scopes");
	is_int(found->brand_id, b.id, "api_key_find reads the brand");
	ok(api_key_find(t->db, t->mem, other, &found) == OK && found->brand_id == 0,
	    "api_key_find tells that one is for all brands");
	ok(api_key_list(t->db, t->mem, b.id, &found, &n) == OK && n == 1,
	    "api_key_list gives the brand's");
	ok(api_key_used(t->db, k.id, 5000) == OK &&
		api_key_get(t->db, t->mem, b.id, k.id, &found) == OK,
	    "api_key_used writes");
	is_int(found->last_used_at, 5000, "api_key_used wrote the time");
	ok(api_key_get(t->db, t->mem, b.id + 1, k.id, &found) == ERR_NOTFOUND,
	    "api_key_get keeps to the brand");
	ok(api_key_revoke(t->db, b.id + 1, k.id, 6000) == ERR_NOTFOUND,
	    "api_key_revoke keeps to the brand");
	ok(api_key_revoke(t->db, b.id, k.id, 6000) == OK, "api_key_revoke revokes");
	ok(api_key_revoke(t->db, b.id, k.id, 7000) == OK,
	    "api_key_revoke may be called again");
	ok(api_key_find(t->db, t->mem, hash, &found) == OK && found->revoked_at == 6000,
	    "api_key_revoke keeps the first time");
}

static void test_scopes(struct dbtest *t)
{
	unsigned bits;

	is_text(scopes_text(t->mem, SCOPE_READ | SCOPE_WRITE | SCOPE_SEND),
	    "read,write,send", "scopes_text writes all");
	is_text(scopes_text(t->mem, 0), "", "scopes_text writes none");
	ok(scopes_from(" send, read", &bits) && bits == (SCOPE_READ | SCOPE_SEND),
	    "scopes_from reads");
	ok(!scopes_from("read,admin", &bits), "scopes_from refuses an unknown word");
	ok(scopes_from("", &bits) && bits == 0, "scopes_from reads nothing");
}

int main(void)
{
	dbtest_run(test_keys);
	dbtest_run(test_scopes);
	return done_testing();
}
