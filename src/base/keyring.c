#include "base/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

enum { SECRET_BYTES = 32, FILE_MAX = 512 };

/* What the file says: the secret, and keys for boxes, the newest first. */
struct key_file {
	uint8_t secret[SECRET_BYTES];
	uint8_t box[BOX_KEYS_MAX][32];
	size_t nbox;
	char text[FILE_MAX + 1];
};

static int forget_file(struct key_file *f)
{
	sodium_memzero(f, sizeof(*f));
	return 0;
}

static struct key_file *file_new(void *mem)
{
	struct key_file *f = mem_new(mem, struct key_file);

	mem_on_free(f, forget_file);
	return f;
}

/* The file as text; ERR_NOTFOUND if there is none. */
static enum err read_text(const char *file, struct key_file *f)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	if (fstat(fd, &st) != 0 || (st.st_mode & 077)) {
		close(fd);
		return ERR_FORBIDDEN;
	}
	n = read(fd, f->text, FILE_MAX);
	close(fd);
	if (n < 0)
		return ERR_IO;
	f->text[n] = '\0';
	return OK;
}

static bool read_key(const char *text, uint8_t out[32])
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "read_key");
	uint8_t *raw;
	size_t n;

	if (!base64_decode(tmp, text, &raw, &n))
		return false;
	if (n == SECRET_BYTES)
		memcpy(out, raw, SECRET_BYTES);
	sodium_memzero(raw, n);
	return n == SECRET_BYTES;
}

static enum err parse(struct key_file *f)
{
	char *rest = text_trim(f, f->text), *line = strsep(&rest, "\n");

	if (!read_key(line, f->secret))
		return ERR_INVALID;
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (f->nbox == BOX_KEYS_MAX || !text_starts(line, "box ") ||
		    !read_key(line + 4, f->box[f->nbox]))
			return ERR_INVALID;
		f->nbox++;
	}
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

static void set_box(struct box_key *b, const uint8_t key[32])
{
	uint8_t hash[32];

	memcpy(b->key, key, sizeof(b->key));
	hmac_sha256(key, 32, "maillayer box id", 16, hash);
	memcpy(b->id, hash, BOX_ID);
}

/* The key that the secret itself gives stands for "no line". */
static void add_first_box(struct key_file *f)
{
	if (f->nbox == 0)
		derive(f->secret, "maillayer box 1", f->box[f->nbox++]);
}

static void derive_all(const struct key_file *f, struct keyring *k)
{
	uint8_t cron[32];

	derive(f->secret, "maillayer token 1", k->token);
	derive(f->secret, "maillayer mac 1", k->mac);
	derive(f->secret, "maillayer cron 1", cron);
	sodium_bin2hex(k->cron, sizeof(k->cron), cron, sizeof(cron));
	for (k->nbox = 0; k->nbox < f->nbox; k->nbox++)
		set_box(&k->box[k->nbox], f->box[k->nbox]);
}

static int forget(struct keyring *k)
{
	sodium_memzero(k, sizeof(*k));
	return 0;
}

static enum err read_file(const char *file, struct key_file *f)
{
	enum err e = read_text(file, f);

	if (e == OK)
		e = parse(f);
	if (e == OK)
		add_first_box(f);
	return e;
}

enum err keyring_load(void *mem, const char *file, bool make, struct keyring **out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "keyring_load");
	struct key_file *f = file_new(tmp);
	enum err e;

	*out = NULL;
	if (sodium_init() < 0)
		return ERR_INTERNAL;
	e = read_file(file, f);
	if (e == ERR_NOTFOUND && make) {
		e = make_file(file);
		if (e == OK)
			e = read_file(file, f);
	}
	if (e != OK)
		return e;
	*out = mem_new(mem, struct keyring);
	mem_on_free(*out, forget);
	derive_all(f, *out);
	(*out)->file = mem_str(*out, file);
	return OK;
}

/* ---- changing it ---- */

/* Held while the file is changed: its folder, as the file itself is replaced. */
static int lock_folder(void *mem, const char *file)
{
	const char *slash = strrchr(file, '/');
	char *folder =
	    slash ? mem_strn(mem, file, (size_t)(slash - file) + 1) : mem_str(mem, ".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* As read, so that the whole file is there or the old one. */
static enum err replace(void *mem, const char *file, const char *text, int folder)
{
	char *draft = mem_printf(mem, "%s.new", file);
	struct stat st;
	bool good;
	int fd;

	if (stat(file, &st) != 0)
		return ERR_IO;
	unlink(draft); /* of one that was killed: we hold the lock */
	fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return ERR_IO;
	good = fchmod(fd, st.st_mode & 0600) == 0 &&
	    (geteuid() != 0 || fchown(fd, st.st_uid, st.st_gid) == 0) &&
	    write_all(fd, text) && rename(draft, file) == 0 && fsync(folder) == 0;
	close(fd);
	if (!good)
		unlink(draft);
	return good ? OK : ERR_IO;
}

static char *written(void *mem, const struct key_file *f, const uint8_t *fresh,
    size_t keep)
{
	struct buf *b = buf_new(mem);

	buf_printf(b, "%s\n", base64_encode(mem, f->secret, SECRET_BYTES));
	if (fresh != NULL)
		buf_printf(b, "box %s\n", base64_encode(mem, fresh, 32));
	for (size_t i = 0; i < keep; i++)
		buf_printf(b, "box %s\n", base64_encode(mem, f->box[i], 32));
	return b->data;
}

static enum err change(const char *file, bool add)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "keyring_change");
	struct key_file *f = file_new(tmp);
	uint8_t fresh[32];
	int folder = lock_folder(tmp, file);
	char *text;
	enum err e;

	if (folder < 0)
		return errno == EWOULDBLOCK ? ERR_CONFLICT : ERR_IO;
	e = read_file(file, f);
	if (e == OK && add && f->nbox == BOX_KEYS_MAX)
		e = ERR_TOO_LARGE;
	if (e == OK) {
		random_bytes(fresh, sizeof(fresh));
		text = written(tmp, f, add ? fresh : NULL, add ? f->nbox : 1);
		e = replace(tmp, file, text, folder);
		sodium_memzero(fresh, sizeof(fresh));
		sodium_memzero(text, strlen(text));
	}
	close(folder);
	return e;
}

enum err keyring_add_box(const char *file)
{
	return change(file, true);
}

enum err keyring_forget_boxes(const char *file)
{
	return change(file, false);
}
