#include "web/idempotency.h"

#include <string.h>

#include "app.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/idempotency.h"

enum { KEY_MAX = 200, BODY_KEPT_MAX = 256 * 1024, SWEEP_ONE_IN = 64 };

#define STUCK_MS (INT64_C(5) * 60 * 1000)
#define LIFE_MS (INT64_C(24) * 3600 * 1000)

static const char *caller_name(const struct request *rq)
{
	const struct caller *c = rq->caller;

	return c->key_id ? mem_printf((void *)rq, "key:%lld", (long long)c->key_id)
			 : mem_printf((void *)rq, "user:%lld", (long long)c->user_id);
}

static void hash_request(const struct request *rq, uint8_t hash[32])
{
	char *head = mem_printf(NULL, "%s %s\n", method_name(rq->method), rq->target);
	size_t n = strlen(head);

	head = mem_resize(NULL, head, n + rq->body_len + 1);
	if (rq->body_len > 0)
		memcpy(head + n, rq->body, rq->body_len);
	sha256(head, n + rq->body_len, hash);
	mem_free(head);
}

/* Answers may hold a secret shown once (a new API key): they are kept sealed. */
static char *seal(struct request *rq, const char *key, const char *body)
{
	const char *context = mem_printf(rq, "idempotency:%s:%s", caller_name(rq), key);
	size_t len;
	void *box = secret_seal(rq, rq->app->keys, context, body, &len);

	return base64_encode(rq, box, len);
}

static enum err unseal(struct request *rq, const char *key, const char *kept,
    char **body)
{
	const char *context = mem_printf(rq, "idempotency:%s:%s", caller_name(rq), key);
	uint8_t *box;
	size_t len;

	if (!base64_decode(rq, kept, &box, &len))
		return ERR_INTERNAL;
	return secret_open(rq, rq->app->keys, context, box, len, body);
}

static enum err again(struct request *rq, struct response *rs, const char *key,
    const struct idempotency *was)
{
	char *body;

	if (unseal(rq, key, was->body, &body) != OK)
		return respond_error(rs, ERR_CONFLICT,
		    "The answer to this Idempotency-Key can no longer be read. Use a "
		    "new key.");
	rs->status = was->status;
	response_header(rs, "Idempotency-Replayed", "true");
	return respond_body(rs, "application/json", body, strlen(body));
}

static enum err used_before(struct request *rq, struct response *rs, struct caller *c,
    const uint8_t hash[32])
{
	const char *key = rq->idempotency_key, *who = caller_name(rq);
	struct idempotency was;
	enum err e = idempotency_get(rq->db, rq, who, key, &was);

	if (e != OK)
		return e;
	if (memcmp(hash, was.request_hash, sizeof(was.request_hash)) != 0) {
		form_fail(rq->form, "Idempotency-Key",
		    "This key was used for another request. Use a new one.");
		return respond_error(rs, ERR_INVALID,
		    "This Idempotency-Key was used for another request. Use a new "
		    "one.");
	}
	if (was.status > 0)
		return again(rq, rs, key, &was);
	if (rq->now - was.created_at < STUCK_MS) {
		rs->retry_after = 2;
		return respond_error(rs, ERR_CONFLICT,
		    "The first request with this Idempotency-Key is still being worked "
		    "on.");
	}
	/* whoever had it died: this one takes over */
	e = idempotency_drop(rq->db, who, key);
	if (e == OK)
		e = idempotency_begin(rq->db, who, key, hash, rq->now);
	if (e == OK)
		c->kept_as = key;
	return e;
}

enum err idempotency_enter(struct request *rq, struct response *rs, struct caller *c)
{
	const char *key = rq->idempotency_key;
	uint8_t hash[32];
	enum err e;

	if (text_empty(key))
		return OK;
	if (strlen(key) > KEY_MAX || text_has_control(key) ||
	    !text_is_utf8(key, strlen(key)))
		return respond_error(rs, ERR_MALFORMED,
		    "An Idempotency-Key has at most %d characters, and no controls.",
		    KEY_MAX);
	hash_request(rq, hash);
	if (rq->now % SWEEP_ONE_IN == 0 &&
	    idempotency_sweep(rq->db, rq->now - LIFE_MS) != OK)
		log_warn(&rq->log, "idempotency.sweep_failed");
	e = idempotency_begin(rq->db, caller_name(rq), key, hash, rq->now);
	if (e == ERR_CONFLICT)
		return used_before(rq, rs, c, hash);
	if (e == OK)
		c->kept_as = key;
	return e;
}

void idempotency_leave(struct request *rq, struct response *rs, enum err e)
{
	const char *key = rq->caller->kept_as, *who = caller_name(rq);
	bool keep =
	    e == OK && rs->status < 300 && rs->body && rs->body->len <= BODY_KEPT_MAX;
	enum err f;

	if (keep)
		f = idempotency_end(rq->db, who, key, rs->status,
		    seal(rq, key, rs->body->data));
	else
		f = idempotency_drop(rq->db, who, key);
	if (f != OK)
		log_error(&rq->log, "idempotency.lost", LOG_STR("error", err_name(f)));
}
