#include "base/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

enum { SECRET_BYTES = 32, FILE_MAX = 128 };

/* The key file as text; ERR_NOTFOUND if there is none. */
static enum err read_file(const char *file, char text[FILE_MAX + 1])
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	n = read(fd, text, FILE_MAX);
	close(fd);
	if (n < 0)
		return ERR_IO;
	text[n] = '\0';
	return OK;
}

static bool write_all(int fd, const char *text)
{
	size_t n = strlen(text);

	return write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
}

/*
 * A complete file appears at once or not at all, and of two processes that make it at
 * the same time one wins and both read the winner's.
 */
static enum err make_file(const char *file)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "make_file");
	uint8_t secret[SECRET_BYTES];
	char *draft = mem_printf(tmp, "%s.%d", file, (int)getpid());
	char *text;
	int fd;
	bool made;

	random_bytes(secret, sizeof(secret));
	text = mem_printf(tmp, "%s\n", base64_encode(tmp, secret, sizeof(secret)));
	sodium_memzero(secret, sizeof(secret));
	fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return ERR_IO;
	made = write_all(fd, text) && (link(draft, file) == 0 || errno == EEXIST);
	close(fd);
	unlink(draft);
	sodium_memzero(text, strlen(text));
	return made ? OK : ERR_IO;
}

static void derive(const uint8_t *secret, const char *purpose, uint8_t key[32])
{
	hmac_sha256(secret, SECRET_BYTES, purpose, strlen(purpose), key);
}

static void derive_all(const uint8_t *secret, struct keyring *k)
{
	uint8_t cron[32];

	derive(secret, "maillayer token 1", k->token);
	derive(secret, "maillayer box 1", k->box);
	derive(secret, "maillayer mac 1", k->mac);
	derive(secret, "maillayer cron 1", cron);
	sodium_bin2hex(k->cron, sizeof(k->cron), cron, sizeof(cron));
}

static int forget(struct keyring *k)
{
	sodium_memzero(k, sizeof(*k));
	return 0;
}

enum err keyring_load(void *mem, const char *file, bool make, struct keyring **out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "keyring_load");
	char text[FILE_MAX + 1] = "";
	uint8_t *secret;
	size_t n;
	enum err e;

	*out = NULL;
	if (sodium_init() < 0)
		return ERR_INTERNAL;
	e = read_file(file, text);
	if (e == ERR_NOTFOUND && make) {
		e = make_file(file);
		if (e == OK)
			e = read_file(file, text);
	}
	if (e != OK)
		return e;
	if (!base64_decode(tmp, text_trim(tmp, text), &secret, &n) || n != SECRET_BYTES)
		return ERR_INVALID;
	*out = mem_new(mem, struct keyring);
	mem_on_free(*out, forget);
	derive_all(secret, *out);
	sodium_memzero(secret, n);
	sodium_memzero(text, sizeof(text));
	return OK;
}
