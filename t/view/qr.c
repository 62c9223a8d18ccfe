#include "view/qr.h"

#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "tap.h"

/* SHA-256 over the modules; what it stands for was read back with a decoder (jsQR). */
static void test_known(void *mem)
{
	static const struct {
		int bytes, size;
		const char *hash;
	} known[] = {
		{ 1, 21,
		    "14854ff6957e69f2d6d9c0a499da34e0b4ec53c9e3f6491a7f416db473ea1b4"
		    "7" },
		{ 30, 29,
		    "9a8cc4403cff1a63dcf871f6e62b463f3eaaf3910105e8cb6030e6d24ff0750"
		    "3" },
		{ 120, 45,
		    "6aa21c04cc2198f91c1cb572a9fbe2bc720ee277080ec5b1439acf9065e0e1d"
		    "5" },
		{ 200, 57,
		    "54e665cb90d8097df7bda6e745bd837a9a6ee3a4a512f8e67603cbe3d4ed006"
		    "c" },
		{ 412, 77,
		    "669e55329a50f0a98034c524daa5687afc2b8a5f5177791decb0d16af5b9c71"
		    "6" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct qr *q = mem_new(mem, struct qr);
		char text[QR_TEXT_MAX + 1] = "";
		uint8_t hash[32];

		for (int j = 0; j < known[i].bytes; j++)
			text[j] = (char)(33 + (j * 7 + known[i].bytes * 13) % 90);
		is_int(qr_make(text, q), OK, "qr_make takes %d bytes", known[i].bytes);
		is_int(q->size, known[i].size, "in as few modules as they need");
		sha256(q->dark, sizeof(q->dark), hash);
		is_text(hex_encode(mem, hash, 32), known[i].hash, "as they must be");
	}
}

static void test_limit(void *mem)
{
	struct qr *q = mem_new(mem, struct qr);
	char text[QR_TEXT_MAX + 2];

	memset(text, 'a', sizeof(text));
	text[QR_TEXT_MAX + 1] = '\0';
	is_int(qr_make(text, q), ERR_TOO_LARGE, "qr_make says when it is too much");
	is_int(qr_make("", q), OK, "qr_make takes nothing");
	is_int(q->size, 21, "in the smallest");
}

static void test_path(void *mem)
{
	struct qr *q = mem_new(mem, struct qr);

	q->size = 21;
	q->dark[0][0] = q->dark[0][1] = q->dark[0][20] = q->dark[20][20] = true;
	is_text(qr_path(mem, q, 4), "M4 4h2v1h-2zM24 4h1v1h-1zM24 24h1v1h-1z",
	    "qr_path draws runs, with an edge");
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "qr");

	test_known(mem);
	test_limit(mem);
	test_path(mem);
	return done_testing();
}
