#include "base/id.h"

#include "base/crypto.h"

char *id_secret(void *mem)
{
	uint8_t bytes[32];

	random_bytes(bytes, sizeof(bytes));
	return base64url_encode(mem, bytes, sizeof(bytes));
}

char *id_random(void *mem)
{
	uint8_t bytes[16];

	random_bytes(bytes, sizeof(bytes));
	return hex_encode(mem, bytes, sizeof(bytes));
}
