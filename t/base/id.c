#include "base/id.h"

#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "tap.h"

int main(void)
{
	void *mem = mem_scope(NULL, "test");
	char *a = id_secret(mem), *b = id_secret(mem), *c = id_random(mem),
	     *d = id_random(mem);
	uint8_t *raw, half[16];
	size_t n = 0;

	is_int((int64_t)strlen(a), 43, "id_secret has 43 characters");
	ok(base64url_decode(mem, a, &raw, &n) && n == 32,
	    "id_secret is 256 bits of base64url");
	ok(strcmp(a, b) != 0, "id_secret differs each time");
	is_int((int64_t)strlen(c), 32, "id_random has 32 characters");
	ok(hex_decode(c, half, 16), "id_random is 128 bits of hex");
	ok(strcmp(c, d) != 0, "id_random differs each time");
	mem_free(mem);
	return done_testing();
}
