#include "base/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tap.h"

static void hashes(void *mem)
{
	uint8_t out[32], key[131], other[32];

	sha256("abc", 3, out);
	is_text(hex_encode(mem, out, 32),
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	    "sha256 of FIPS 180");
	hmac_sha256((const uint8_t *)"Jefe", 4, "what do ya want for nothing?", 28,
	    out);
	is_text(hex_encode(mem, out, 32),
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
	    "hmac_sha256 of RFC 4231 case 2");
	memset(key, 0xaa, sizeof(key));
	hmac_sha256(key, sizeof(key),
	    "Test Using Larger Than Block-Size Key - Hash Key First", 54, out);
	is_text(hex_encode(mem, out, 32),
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
	    "hmac_sha256 of RFC 4231 case 6");
	memcpy(other, out, 32);
	ok(equal_secret(out, other, 32), "equal_secret of equals");
	other[31] ^= 1;
	ok(!equal_secret(out, other, 32), "equal_secret sees the last bit");
}

static void hex(void *mem)
{
	uint8_t out[3];

	is_text(hex_encode(mem, "\x00\xffZ", 3), "00ff5a", "hex_encode is lower case");
	ok(hex_decode("00fF5a", out, 3) && memcmp(out, "\x00\xffZ", 3) == 0,
	    "hex_decode reads both");
	ok(!hex_decode("00ff5", out, 3) && !hex_decode("00ff5a00", out, 3) &&
		!hex_decode("00fg5a", out, 3) && !hex_decode("00 f5a", out, 3),
	    "hex_decode wants exactly n bytes of digits");
}

static void base64(void *mem)
{
	uint8_t *out;
	size_t n = 0;

	is_text(base64_encode(mem, "foob", 4), "Zm9vYg==", "base64_encode pads");
	is_text(base64url_encode(mem, "\xfb\xff\xfe", 3), "-__-",
	    "base64url_encode uses - and _");
	is_text(base64url_encode(mem, "foob", 4), "Zm9vYg",
	    "base64url_encode does not pad");
	ok(base64_decode(mem, "Zm9vYg==", &out, &n) && n == 4 &&
		memcmp(out, "foob", 4) == 0,
	    "base64_decode reads");
	ok(!base64_decode(mem, "Zm9vYg", &out, &n) &&
		!base64_decode(mem, "Zm9v\n", &out, &n) &&
		!base64_decode(mem, "Zm9v-_==", &out, &n) &&
		!base64_decode(mem, "Zm9vYh==", &out, &n),
	    "base64_decode is strict");
	ok(base64url_decode(mem, "Zm9vYg", &out, &n) && n == 4,
	    "base64url_decode reads");
	ok(!base64url_decode(mem, "Zm9vYh", &out, &n) &&
		!base64url_decode(mem, "Zm9vYg==", &out, &n) &&
		!base64url_decode(mem, "Z", &out, &n) &&
		!base64url_decode(mem, "Zm9 Yg", &out, &n),
	    "base64url_decode takes the canonical form only");
	ok(base64url_decode(mem, "", &out, &n) && n == 0,
	    "base64url_decode takes nothing");
}

static void boxes(void *mem, const struct keyring *k, const struct keyring *foreign)
{
	size_t n, m;
	uint8_t *box = secret_seal(mem, k, "provider:12", "s3cret", &n);
	uint8_t *again = secret_seal(mem, k, "provider:12", "s3cret", &m);
	char *plain = NULL;
	int opened = 0;

	ok(n == m && memcmp(box, again, n) != 0,
	    "secret_seal never makes the same box twice");
	ok(memmem(box, n, "s3cret", 6) == NULL, "secret_seal hides the text");
	ok(secret_open(mem, k, "provider:12", box, n, &plain) == OK,
	    "secret_open opens its own");
	is_text(plain, "s3cret", "secret_open gives the text");
	ok(secret_open(mem, k, "provider:13", box, n, &plain) == ERR_INVALID &&
		plain == NULL,
	    "secret_open refuses another context");
	ok(secret_open(mem, foreign, "provider:12", box, n, &plain) == ERR_INVALID,
	    "secret_open refuses another key");
	for (size_t i = 0; i < n; i++)
		opened += secret_open(mem, k, "provider:12", box, i, &plain) == OK;
	is_int(opened, 0, "secret_open refuses a box cut anywhere");
	for (size_t i = 0; i < n; i++) {
		box[i] ^= 1;
		opened += secret_open(mem, k, "provider:12", box, n, &plain) == OK;
		box[i] ^= 1;
	}
	is_int(opened, 0, "secret_open refuses a bit changed anywhere");
	ok(secret_open(mem, k, "x", NULL, 0, &plain) == ERR_INVALID,
	    "secret_open refuses NULL");
	box = secret_seal(mem, k, "x", "", &n);
	ok(secret_open(mem, k, "x", box, n, &plain) == OK && plain[0] == '\0',
	    "an empty secret is fine");
}

static void passwords(void *mem)
{
	char *a = password_hash(mem, "correct horse"),
	     *b = password_hash(mem, "correct horse");
	int64_t start, real, nobody;

	ok(strncmp(a, "$argon2id$v=19$m=65536,t=2,p=1$", 31) == 0,
	    "password_hash tells its cost");
	ok(strcmp(a, b) != 0, "password_hash salts");
	start = clock_mono_us();
	ok(password_verify(a, "correct horse"), "password_verify takes the password");
	real = clock_mono_us() - start;
	ok(!password_verify(a, "correct horsf") && !password_verify(a, ""),
	    "password_verify refuses others");
	start = clock_mono_us();
	ok(!password_verify(NULL, "correct horse"),
	    "password_verify without a hash is false");
	nobody = clock_mono_us() - start;
	ok(nobody > real / 5,
	    "password_verify of nobody takes as long (%d against %d us)", (int)nobody,
	    (int)real);
	ok(!password_verify(NULL, "") && !password_verify("", "") &&
		!password_verify("x", "x"),
	    "password_verify of no or a broken hash is false");
}

static void put_file(const char *file, const char *text)
{
	FILE *f = fopen(file, "w");

	if (f != NULL) {
		fputs(text, f);
		fclose(f);
		chmod(file, 0600);
	}
}

static void key_files(void *mem, const char *dir)
{
	char *file = mem_printf(mem, "%s/secret.key", dir);
	char *bad = mem_printf(mem, "%s/bad.key", dir);
	struct keyring *k = NULL, *again = NULL;
	struct stat st;

	ok(keyring_load(mem, file, false, &k) == ERR_NOTFOUND && k == NULL,
	    "keyring_load says when there is no file");
	ok(keyring_load(mem, file, true, &k) == OK, "keyring_load makes one when told");
	ok(stat(file, &st) == 0 && (st.st_mode & 0777) == 0600,
	    "keyring_load makes it private");
	ok(keyring_load(mem, file, true, &again) == OK &&
		memcmp(k->token, again->token, 32) == 0 &&
		memcmp(k->box, again->box, sizeof(k->box)) == 0,
	    "keyring_load keeps an existing file");
	is_int((int64_t)strlen(k->cron), 64, "keyring_load derives the cron secret");
	ok(memcmp(k->token, k->box, 32) != 0 && memcmp(k->box, k->mac, 32) != 0 &&
		memcmp(k->token, k->mac, 32) != 0,
	    "keyring_load derives a key per purpose");
	for (mode_t mode = 0604; mode != 0600; mode = mode == 0604 ? 0640 : 0600) {
		ok(chmod(file, mode) == 0 &&
			keyring_load(mem, file, true, &again) == ERR_FORBIDDEN,
		    "keyring_load refuses a file that others can read: %o", mode);
	}
	put_file(bad, "c2hvcnQ=\n");
	ok(keyring_load(mem, bad, true, &k) == ERR_INVALID,
	    "keyring_load refuses a short key");
	put_file(bad, "");
	ok(keyring_load(mem, bad, true, &k) == ERR_INVALID,
	    "keyring_load does not replace a bad file");
	ok(keyring_load(mem, mem_printf(mem, "%s/no/dir/k", dir), true, &k) == ERR_IO,
	    "keyring_load says when it cannot write");
	unlink(file);
	unlink(bad);
}

static bool opens(void *mem, const struct keyring *k, const void *box, size_t len)
{
	char *plain;

	return secret_open(mem, k, "c:1", box, len, &plain) == OK &&
	    strcmp(plain, "secret") == 0;
}

/* What version 1 wrote: no id, sealed by the key that the secret gives. */
static void *old_box(void *mem, const struct keyring *k, size_t *len)
{
	uint8_t *box = secret_seal(mem, k, "c:1", "secret", len);

	memmove(box + 1, box + 1 + BOX_ID, *len - 1 - BOX_ID);
	box[0] = 1;
	*len -= BOX_ID;
	return box;
}

static void rotating(void *mem, const char *dir)
{
	char *file = mem_printf(mem, "%s/turn.key", dir);
	struct keyring *first, *second, *third;
	size_t la, lb, lo;
	void *a, *b, *old;
	struct stat st;

	if (keyring_load(mem, file, true, &first) != OK)
		return;
	a = secret_seal(mem, first, "c:1", "secret", &la);
	old = old_box(mem, first, &lo);
	ok(opens(mem, first, old, lo) && !secret_is_newest(first, old, lo),
	    "secret_open reads version 1");
	ok(chmod(file, 0400) == 0 && keyring_add_box(file) == OK,
	    "keyring_add_box adds a key");
	ok(stat(file, &st) == 0 && (st.st_mode & 0777) == 0400,
	    "... and keeps the mode");
	ok(keyring_load(mem, file, false, &second) == OK && second->nbox == 2,
	    "keyring_load reads both");
	ok(memcmp(first->token, second->token, 32) == 0 &&
		strcmp(first->cron, second->cron) == 0,
	    "... tokens and triggers keep theirs");
	b = secret_seal(mem, second, "c:1", "secret", &lb);
	ok(opens(mem, second, a, la) && opens(mem, second, old, lo) &&
		opens(mem, second, b, lb),
	    "secret_open opens what either sealed");
	ok(secret_is_newest(second, b, lb) && !secret_is_newest(second, a, la),
	    "secret_is_newest knows which");
	ok(opens(mem, first, b, lb),
	    "secret_open of a process that started before reads the file again");
	ok(keyring_forget_boxes(file) == OK &&
		keyring_load(mem, file, false, &third) == OK && third->nbox == 1,
	    "keyring_forget_boxes leaves the newest");
	ok(opens(mem, third, b, lb) && !opens(mem, third, a, la) &&
		!opens(mem, third, old, lo),
	    "... and what the others sealed stays shut");
	ok(keyring_add_box(file) == OK && keyring_add_box(file) == OK &&
		keyring_add_box(file) == OK && keyring_add_box(file) == ERR_TOO_LARGE,
	    "keyring_add_box has an end");
	ok(keyring_load(mem, file, false, &third) == OK && opens(mem, third, b, lb),
	    "... and loses none");
	ok(access(mem_printf(mem, "%s.new", file), F_OK) != 0, "no draft stays behind");
	unlink(file);
}

/* Eight processes make the file at once: one wins and all agree. */
static void race(void *mem, const char *dir)
{
	char *file = mem_printf(mem, "%s/race.key", dir);
	int fds[2], agree = 0, rc;
	char first[65] = "", one[65] = "";

	if (pipe(fds) != 0)
		return;
	for (int i = 0; i < 8; i++) {
		if (fork() == 0) {
			struct keyring *k;

			rc = keyring_load(mem, file, true, &k) == OK &&
			    write(fds[1], k->cron, 64) == 64;
			_exit(!rc);
		}
	}
	for (int i = 0; i < 8; i++) {
		wait(&rc);
		agree += rc == 0 && read(fds[0], one, 64) == 64 &&
		    (i == 0 || strcmp(first, one) == 0);
		memcpy(first, one, sizeof(first));
	}
	is_int(agree, 8, "keyring_load: processes that make the file together agree");
	unlink(file);
}

int main(void)
{
	void *mem = mem_scope(NULL, "test");
	char dir[] = "/tmp/maillayer-crypto-XXXXXX";
	struct keyring a = { .box = { { .key = { 1 } } } },
		       b = { .box = { { .key = { 2 } } } };

	if (mkdtemp(dir) == NULL)
		return 1;
	hashes(mem);
	hex(mem);
	base64(mem);
	boxes(mem, &a, &b);
	passwords(mem);
	key_files(mem, dir);
	rotating(mem, dir);
	race(mem, dir);
	rmdir(dir);
	mem_free(mem);
	return done_testing();
}
