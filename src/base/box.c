#include <sodium.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"

/*
 * Version 1 had no id: any key of the ring may have sealed it.  Both are read; only
 * version 2 is written.
 */
enum {
	BOX_V1 = 1,
	BOX_V2 = 2,
	BOX_TAIL = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES
};

struct box {
	const uint8_t *id, *nonce, *sealed; /* id NULL: version 1 */
	size_t len;                         /* of sealed */
};

/* One key per context, so that a box moved to another row does not open. */
static void context_key(const struct box_key *k, const char *context, uint8_t key[32])
{
	hmac_sha256(k->key, sizeof(k->key), context, strlen(context), key);
}

void *secret_seal(void *mem, const struct keyring *k, const char *context,
    const char *plain, size_t *len)
{
	size_t n = strlen(plain);
	uint8_t *box = mem_array(mem, uint8_t, 1 + BOX_ID + BOX_TAIL + n), *at = box;
	uint8_t key[32];

	context_key(&k->box[0], context, key);
	*at++ = BOX_V2;
	memcpy(at, k->box[0].id, BOX_ID);
	at += BOX_ID;
	random_bytes(at, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(at + crypto_secretbox_NONCEBYTES, (const uint8_t *)plain,
	    n, at, key);
	sodium_memzero(key, sizeof(key));
	*len = 1 + BOX_ID + BOX_TAIL + n;
	return box;
}

static bool read_box(const void *p, size_t len, struct box *out)
{
	const uint8_t *at = p;
	size_t head = len > 0 && at[0] == BOX_V2 ? 1 + BOX_ID : 1;

	if (p == NULL || len < head + BOX_TAIL || (at[0] != BOX_V1 && at[0] != BOX_V2))
		return false;
	*out = (struct box){ .id = at[0] == BOX_V2 ? at + 1 : NULL,
		.nonce = at + head,
		.sealed = at + head + crypto_secretbox_NONCEBYTES,
		.len = len - head - crypto_secretbox_NONCEBYTES };
	return true;
}

static bool open_with(const struct box_key *k, const char *context, const struct box *b,
    char *text)
{
	uint8_t key[32];
	bool good;

	if (b->id != NULL && memcmp(b->id, k->id, BOX_ID) != 0)
		return false;
	context_key(k, context, key);
	good = crypto_secretbox_open_easy((uint8_t *)text, b->sealed, b->len, b->nonce,
		   key) == 0;
	sodium_memzero(key, sizeof(key));
	return good;
}

static bool open_by(const struct keyring *k, const char *context, const struct box *b,
    char *text)
{
	for (size_t i = 0; i == 0 || i < k->nbox; i++)
		if (open_with(&k->box[i], context, b, text))
			return true;
	return false;
}

static bool knows(const struct keyring *k, const uint8_t id[BOX_ID])
{
	for (size_t i = 0; i == 0 || i < k->nbox; i++)
		if (memcmp(k->box[i].id, id, BOX_ID) == 0)
			return true;
	return false;
}

/* A key that was added while this process ran stands in the file. */
static bool open_by_file(const struct keyring *k, const char *context,
    const struct box *b, char *text)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "open_by_file");
	struct keyring *now;

	return b->id != NULL && k->file != NULL && !knows(k, b->id) &&
	    keyring_load(tmp, k->file, false, &now) == OK &&
	    open_by(now, context, b, text);
}

enum err secret_open(void *mem, const struct keyring *k, const char *context,
    const void *box, size_t len, char **plain)
{
	struct box b;
	char *text;

	*plain = NULL;
	if (!read_box(box, len, &b))
		return ERR_INVALID;
	text = mem_array(mem, char, b.len - crypto_secretbox_MACBYTES + 1);
	if (open_by(k, context, &b, text) || open_by_file(k, context, &b, text)) {
		*plain = text;
		return OK;
	}
	mem_free(text);
	return ERR_INVALID;
}

void secret_wipe(char *plain)
{
	sodium_memzero(plain, strlen(plain));
}

bool secret_is_newest(const struct keyring *k, const void *box, size_t len)
{
	struct box b;

	return read_box(box, len, &b) && b.id != NULL &&
	    memcmp(b.id, k->box[0].id, BOX_ID) == 0;
}
