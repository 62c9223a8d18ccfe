#include "send/sigv4.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/mem.h"

void sigv4_date(int64_t now, char out[SIGV4_DATE])
{
	time_t t = (time_t)(now / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, SIGV4_DATE, "%Y%m%dT%H%M%SZ", &tm);
}

static void hex32(const uint8_t *p, char out[SIGV4_HASH])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 32; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[64] = '\0';
}

void sigv4_hash(const void *p, size_t n, char out[SIGV4_HASH])
{
	uint8_t hash[32];

	sha256(p, n, hash);
	hex32(hash, out);
}

static void mac(const uint8_t *key, size_t len, const char *text, uint8_t out[32])
{
	hmac_sha256(key, len, text, strlen(text), out);
}

static void day_key(struct sigv4 *s, const char *date)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "sigv4");
	char *first;

	if (strncmp(s->day, date, 8) == 0)
		return;
	memcpy(s->day, date, 8);
	s->day[8] = '\0';
	first = mem_printf(tmp, "AWS4%s", s->secret);
	mac((const uint8_t *)first, strlen(first), s->day, s->key);
	mac(s->key, 32, s->region, s->key);
	mac(s->key, 32, s->service, s->key);
	mac(s->key, 32, "aws4_request", s->key);
	memset(first, 0, strlen(first));
}

static void add_canonical(struct buf *b, const struct sigv4_request *r)
{
	buf_printf(b, "%s\n%s\n%s\n", r->method, *r->path ? r->path : "/", r->query);
	for (size_t i = 0; i < r->nheaders; i++)
		buf_printf(b, "%s:%s\n", r->headers[i].name, r->headers[i].value);
	buf_char(b, '\n');
	for (size_t i = 0; i < r->nheaders; i++)
		buf_printf(b, "%s%s", i ? ";" : "", r->headers[i].name);
	buf_printf(b, "\n%s", r->body_hash);
}

enum err sigv4_sign(struct sigv4 *s, const struct sigv4_request *r,
    char out[SIGV4_AUTH])
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "sigv4");
	struct buf *b = buf_new(tmp), *to_sign = buf_new(tmp), *names = buf_new(tmp);
	char hash[SIGV4_HASH], signature[SIGV4_HASH];
	uint8_t raw[32];
	int n;

	day_key(s, r->date);
	add_canonical(b, r);
	sigv4_hash(b->data, b->len, hash);
	buf_printf(to_sign, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", r->date,
	    s->day, s->region, s->service, hash);
	mac(s->key, 32, to_sign->data, raw);
	hex32(raw, signature);
	for (size_t i = 0; i < r->nheaders; i++)
		buf_printf(names, "%s%s", i ? ";" : "", r->headers[i].name);
	n = snprintf(out, SIGV4_AUTH,
	    "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, "
	    "SignedHeaders=%s, Signature=%s",
	    s->key_id, s->day, s->region, s->service, names->data, signature);
	return n > 0 && n < SIGV4_AUTH ? OK : ERR_TOO_LARGE;
}
