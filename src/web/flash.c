#include "web/flash.h"

#include <string.h>

#include "app.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#define COOKIE "ml_flash"

enum { MAC = 16, MAX = 600, LIFE_S = 60 };

static void mac_of(const struct request *rq, const void *text, size_t n,
    uint8_t out[32])
{
	char *message = mem_printf(NULL, "flash:%.*s", (int)n, (const char *)text);

	hmac_sha256(rq->app->keys->mac, sizeof(rq->app->keys->mac), message,
	    strlen(message), out);
	mem_free(message);
}

void flash_put(struct request *rq, struct response *rs, const char *text)
{
	size_t n = strnlen(text, MAX);
	uint8_t mac[32];
	uint8_t *both = mem_zero(rq, MAC + n, "flash");

	mac_of(rq, text, n, mac);
	memcpy(both, mac, MAC);
	memcpy(both + MAC, text, n);
	response_cookie(rs, COOKIE, base64url_encode(rq, both, MAC + n), LIFE_S);
}

const char *flash_take(struct request *rq, struct response *rs)
{
	const char *cookie = request_cookie(rq, COOKIE);
	uint8_t *both, mac[32];
	size_t n;

	if (text_empty(cookie))
		return NULL;
	response_cookie(rs, COOKIE, "", -1);
	if (strlen(cookie) > 2 * (MAX + MAC) ||
	    !base64url_decode(rq, cookie, &both, &n) || n <= MAC)
		return NULL;
	mac_of(rq, both + MAC, n - MAC, mac);
	if (!equal_secret(both, mac, MAC) || !text_is_utf8((char *)both + MAC, n - MAC))
		return NULL;
	return mem_strn(rq, (char *)both + MAC, n - MAC);
}
