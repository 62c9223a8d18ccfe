#include "send/ses_call.h"

#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/address.h"

enum { ANSWER_MAX = 256 * 1024, CONNECT_SECONDS = 10 };

/* ---- curl's callbacks ---- */
/*
 * The connection stands and the request is about to be written: once, or again when the
 * other side had ended the last connection before it took a byte.
 */
static int only_once(void *ctx, char *to, char *from, int to_port, int from_port)
{
	struct call *c = ctx;
	struct ses_sockets *s = &c->ses->sockets;

	(void)to, (void)from, (void)to_port;
	if (c->begun && !ses_socket_untaken(s, c->socket, c))
		return CURL_PREREQFUNC_ABORT;
	ses_socket_end(s, c->socket, c);
	c->begun = true;
	c->socket = ses_socket_begin(s, from_port, c);
	return CURL_PREREQFUNC_OK;
}

/*
 * An endpoint that somebody typed must not reach what only this server can reach.
 * Amazon's own names may lead to a private address: an endpoint inside a VPC.
 */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose,
    struct curl_sockaddr *a)
{
	struct ses *x = ((struct call *)ctx)->ses;
	int fd;

	(void)purpose;
	if (x->typed &&
	    (x->plain ? !address_is_loopback(&a->addr)
		      : !address_is_public(&a->addr))) {
		x->inside = true;
		return CURL_SOCKET_BAD;
	}
	fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	if (fd >= 0)
		ses_socket_add(&x->sockets, fd);
	return fd;
}

static int close_socket(void *ctx, curl_socket_t fd)
{
	ses_socket_drop(&((struct ses *)ctx)->sockets, fd);
	return 0;
}

static size_t take_answer(char *from, size_t size, size_t n, void *ctx)
{
	struct call *c = ctx;

	n *= size;
	if (c->answer->len + n > ANSWER_MAX)
		return 0;
	buf_add(c->answer, from, n);
	return n;
}

/* ---- calls ---- */
bool call_ready(struct ses *x, struct call *c)
{
	CURL *h = c->curl;

	if (h)
		return true;
	h = curl_easy_init();
	if (!h)
		return false;
	c->curl = h;
	c->ses = x;
	c->body = buf_new(x);
	c->answer = buf_new(x);
	curl_easy_setopt(h, CURLOPT_PRIVATE, c);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, x->plain ? "http,https" : "https");
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h, CURLOPT_PROXY, "");
	curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(h, CURLOPT_TIMEOUT, (long)CALL_SECONDS);
	curl_easy_setopt(h, CURLOPT_MAXAGE_CONN, 10L);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(h, CURLOPT_UPLOAD_BUFFERSIZE, 262144L);
	curl_easy_setopt(h, CURLOPT_PREREQFUNCTION, only_once);
	curl_easy_setopt(h, CURLOPT_PREREQDATA, c);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, c);
	curl_easy_setopt(h, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(h, CURLOPT_CLOSESOCKETDATA, x);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
	return true;
}

static void add_header(struct call *c, const char *name, const char *value)
{
	char *line = mem_printf(c->ses, "%s: %s", name, value);

	c->headers = curl_slist_append(c->headers, line);
	mem_free(line);
}

/* Signs the body as it stands and sets the address and the headers. */
enum err call_sign(struct call *c, const char *method, const char *path)
{
	struct ses *x = c->ses;
	char date[SIGV4_DATE], hash[SIGV4_HASH], auth[SIGV4_AUTH];
	struct sigv4_header h[] = {
		{ "content-type", "application/json" },
		{ "host", x->host },
		{ "x-amz-content-sha256", hash },
		{ "x-amz-date", date },
	};
	struct sigv4_request r = {
		.method = method,
		.path = path,
		.query = "",
		.headers = h,
		.nheaders = sizeof(h) / sizeof(*h),
		.body_hash = hash,
		.date = date,
	};
	char *url = mem_printf(x, "%s%s", x->url, path);
	enum err e;

	sigv4_date(clock_now(x->base.app->clock), date);
	sigv4_hash(c->body->data, c->body->len, hash);
	e = sigv4_sign(&x->signer, &r, auth);
	curl_slist_free_all(c->headers);
	c->headers = NULL;
	for (size_t i = 0; i < r.nheaders; i++)
		if (i != 1) /* libcurl sends the same host itself */
			add_header(c, h[i].name, h[i].value);
	add_header(c, "authorization", auth);
	c->headers = curl_slist_append(c->headers, "Expect:");
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->headers);
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	mem_free(url);
	return e;
}

void call_all_done(struct call *c, enum outcome outcome, const char *reason)
{
	for (size_t i = 0; i < c->n; i++)
		provider_done(&c->ses->base, c->entries[i], outcome, reason);
	c->n = 0;
}

void call_start(struct call *c)
{
	struct ses *x = c->ses;
	const char *path =
	    c->bulk ? "/v2/email/outbound-bulk-emails" : "/v2/email/outbound-emails";

	if (call_sign(c, "POST", path) != OK) {
		call_all_done(c, OUTCOME_STOP, "The access key is too long.");
		return;
	}
	c->begun = false;
	c->socket = -1;
	buf_reset(c->answer);
	curl_easy_setopt(c->curl, CURLOPT_FRESH_CONNECT,
	    (long)(x->sockets.closes != CLOSES_NOT));
	curl_easy_setopt(c->curl, CURLOPT_FORBID_REUSE,
	    (long)(x->sockets.closes == CLOSES_ALWAYS));
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, c->body->data);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)c->body->len);
	if (curl_multi_add_handle(x->multi, c->curl) != CURLM_OK) {
		call_all_done(c, OUTCOME_LATER,
		    "The connection could not be prepared.");
		return;
	}
	c->busy = true;
	c->began = clock_mono_us();
	x->active++;
	wire_kick(x);
	FAILPOINT("send.bytes");
}

/* ---- answers ---- */

/*
 * A bulk answer: one result an entry, by place.  Anything else leaves all of them in
 * doubt.
 */
static void bulk_results(struct call *c)
{
	struct ses *x = c->ses;
	MEM_SCOPE void *tmp = mem_scope(x, "results");
	struct json_object *o = NULL, *list = NULL;

	if (json_read(tmp, c->answer->data, c->answer->len, &o, NULL) == OK)
		list = json_get(o, "BulkEmailEntryResults");
	if (!list || !json_object_is_type(list, json_type_array) ||
	    json_object_array_length(list) != c->n) {
		call_all_done(c, OUTCOME_DOUBT,
		    "Amazon SES's answer did not fit what was sent.");
		return;
	}
	for (size_t i = 0; i < c->n; i++) {
		struct json_object *r = json_object_array_get_idx(list, i);
		struct ses_verdict v = ses_entry(tmp, json_text(r, "Status", ""),
		    json_text(r, "MessageId", NULL), json_text(r, "Error", NULL));

		c->entries[i]->message_id = mem_str(c->entries[i], v.message_id);
		provider_done(&x->base, c->entries[i], v.outcome, v.reason);
	}
	c->n = 0;
}

/*
 * One bad message spoils a bulk call that is refused whole: each is then tried alone.
 */
static void split(struct call *c)
{
	for (size_t i = 0; i < c->n; i++) {
		c->entries[i]->alone = true;
		if (c->ses->waiting < SES_QUEUE)
			ses_queue(c->ses, c->entries[i]);
		else
			provider_done(&c->ses->base, c->entries[i], OUTCOME_LATER,
			    "The call that held it was refused.");
	}
	c->n = 0;
}

static void measure(struct call *c)
{
	double us = (double)(clock_mono_us() - c->began);

	c->ses->answers++;
	c->ses->latency = c->ses->latency > 0 ? c->ses->latency * 0.9 + us * 0.1 : us;
	c->ses->base.trip_us = (int64_t)c->ses->latency;
}

static void answered(struct call *c)
{
	struct ses *x = c->ses;
	MEM_SCOPE void *tmp = mem_scope(x, "answer");
	struct curl_header *type = NULL;
	struct ses_verdict v;
	long status = 0;

	measure(c);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (c->bulk && status == 200) {
		bulk_results(c);
		return;
	}
	if (curl_easy_header(c->curl, "x-amzn-ErrorType", 0, CURLH_HEADER, -1, &type) !=
	    CURLHE_OK)
		type = NULL;
	v = ses_answer(tmp, status, type ? type->value : NULL, c->answer->data,
	    c->answer->len);
	if (c->bulk && v.outcome == OUTCOME_ACCEPTED) {
		call_all_done(c, OUTCOME_DOUBT,
		    "Amazon SES's answer did not fit what was sent.");
		return;
	}
	if (c->bulk && v.outcome == OUTCOME_REJECTED && c->n > 1) {
		split(c);
		return;
	}
	if (c->n == 1 && v.message_id)
		c->entries[0]->message_id = mem_str(c->entries[0], v.message_id);
	call_all_done(c, v.outcome, v.reason);
}

const char *call_error(const struct ses *x, CURLcode code)
{
	if (x->inside)
		return "The endpoint leads into a private network and is not called";
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST: return "its name cannot be resolved";
	case CURLE_COULDNT_CONNECT: return "the connection was refused";
	case CURLE_OPERATION_TIMEDOUT: return "no answer came in time";
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_ABORTED_BY_CALLBACK: /* by us: no request is ever repeated */
		return "the connection was closed";
	default: return curl_easy_strerror(code);
	}
}

static void failed(struct call *c, CURLcode code)
{
	bool sent = c->begun && !ses_socket_untaken(&c->ses->sockets, c->socket, c);
	char *why;

	if (!sent) /* nothing of the request was taken: certainly not sent */
		why = mem_printf(c->ses, "Amazon SES cannot be reached: %s.",
		    call_error(c->ses, code));
	else
		why = mem_printf(c->ses, "No answer came from Amazon SES: %s.",
		    call_error(c->ses, code));
	call_all_done(c, sent ? OUTCOME_DOUBT : OUTCOME_LATER, why);
	mem_free(why);
}

void call_end(struct call *c)
{
	curl_multi_remove_handle(c->ses->multi, c->curl);
	c->busy = false;
	c->ses->active--;
}

void ses_collect(struct ses *x)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(x->multi, &left))) {
		CURLcode code = m->data.result;
		struct call *c = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		FAILPOINT("send.answered");
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
		call_end(c);
		if (code == CURLE_OK)
			answered(c);
		else
			failed(c, code);
		ses_socket_end(&x->sockets, c->socket, c);
	}
}
