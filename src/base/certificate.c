#include "base/certificate.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/mem.h"

enum { CHAIN_MAX = 8, RSA_BITS_MIN = 2048 };

/* OpenSSL objects of one check, freed together. */
struct work {
	BIO *in;
	X509 *leaf;
	STACK_OF(X509) * others;
	X509_STORE *store;
	X509_STORE_CTX *ctx;
};

static void work_done(struct work *w)
{
	X509_STORE_CTX_free(w->ctx);
	X509_STORE_free(w->store);
	sk_X509_pop_free(w->others, X509_free);
	X509_free(w->leaf);
	BIO_free(w->in);
}
#define WORK_SCOPE __attribute__((cleanup(work_done))) struct work

/* Never asks for a pass phrase on the terminal. */
static int no_password(char *to, int size, int writing, void *ctx)
{
	(void)to;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static bool read_leaf(const struct certificate *c, struct work *w)
{
	w->in = BIO_new_mem_buf(c->pem, (int)c->len);
	w->leaf = w->in ? PEM_read_bio_X509(w->in, NULL, no_password, NULL) : NULL;
	return w->leaf != NULL;
}

static bool read_others(struct work *w)
{
	X509 *more;

	w->others = sk_X509_new_null();
	while (w->others != NULL && sk_X509_num(w->others) < CHAIN_MAX &&
	    (more = PEM_read_bio_X509(w->in, NULL, no_password, NULL)) != NULL)
		if (sk_X509_push(w->others, more) <= 0)
			X509_free(more);
	return w->others != NULL;
}

static bool open_store(const struct certificate *c, struct work *w)
{
	w->store = X509_STORE_new();
	if (w->store == NULL || X509_STORE_set_default_paths(w->store) != 1)
		return false;
	if (c->ca_file == NULL || c->ca_file[0] == '\0')
		return true;
	return X509_STORE_load_file(w->store, c->ca_file) == 1;
}

static bool named(const struct certificate *c, X509 *leaf)
{
	for (size_t i = 0; c->names[i] != NULL; i++)
		if (X509_check_host(leaf, c->names[i], 0,
			X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1)
			return true;
	return false;
}

static bool in_date(const struct certificate *c, X509 *leaf)
{
	time_t now = (time_t)(c->now / 1000);

	return X509_cmp_time(X509_get0_notBefore(leaf), &now) < 0 &&
	    X509_cmp_time(X509_get0_notAfter(leaf), &now) > 0;
}

/* OK, or why the chain does not lead to a root that is known. */
static int chain_error(const struct certificate *c, struct work *w)
{
	if (!read_others(w) || !open_store(c, w))
		return X509_V_ERR_UNSPECIFIED;
	w->ctx = X509_STORE_CTX_new();
	if (w->ctx == NULL ||
	    X509_STORE_CTX_init(w->ctx, w->store, w->leaf, w->others) != 1)
		return X509_V_ERR_OUT_OF_MEM;
	X509_STORE_CTX_set_time(w->ctx, 0, (time_t)(c->now / 1000));
	if (X509_verify_cert(w->ctx) == 1)
		return X509_V_OK;
	return X509_STORE_CTX_get_error(w->ctx);
}

static bool issuer_missing(int error)
{
	return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	    error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

enum err certificate_check(void *mem, const struct certificate *c, const char **why)
{
	WORK_SCOPE w = { 0 };
	int error;

	*why = "The certificate cannot be read.";
	if (c->len > INT32_MAX || !read_leaf(c, &w))
		return ERR_FORBIDDEN;
	*why = "The certificate is not valid at this time.";
	if (!in_date(c, w.leaf))
		return ERR_FORBIDDEN;
	*why = "The certificate is made out to another name.";
	if (!named(c, w.leaf))
		return ERR_FORBIDDEN;
	error = chain_error(c, &w);
	if (c->from_owner && issuer_missing(error) && sk_X509_num(w.others) == 0)
		error = X509_V_OK;
	*why = mem_printf(mem, "The certificate is not to be trusted: %s.",
	    X509_verify_cert_error_string(error));
	return error == X509_V_OK ? OK : ERR_FORBIDDEN;
}

static bool verify(EVP_PKEY *key, const struct signature *s)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how = NULL;
	bool good = ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, &how, s->sha1 ? EVP_sha1() : EVP_sha256(), NULL,
		key) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PADDING) == 1 &&
	    EVP_DigestVerify(ctx, s->data, s->len, (const unsigned char *)s->text,
		s->text_len) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

bool certificate_signed(const struct certificate *c, const struct signature *s)
{
	WORK_SCOPE w = { 0 };
	EVP_PKEY *key;

	if (c->len > INT32_MAX || !read_leaf(c, &w))
		return false;
	key = X509_get0_pubkey(w.leaf);
	return key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
	    EVP_PKEY_get_bits(key) >= RSA_BITS_MIN && verify(key, s);
}
