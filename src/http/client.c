#include "http/client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "http/address.h"
#include "http/url.h"

enum { MAX_DEFAULT = 1024 * 1024, HEADERS_MAX = 64 * 1024, TIMEOUT_DEFAULT_MS = 5000 };

struct call {
	const struct http_fetch *fetch;
	struct http_answer *answer;
	bool loopback; /* only loopback may be connected, else only the public */
	bool own;      /* whatever the address: the operator names the host */
	bool refused, large;
	size_t headers;
};

/*
 * libcurl asks for the socket of the very address it will connect to: no second lookup.
 */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose,
    struct curl_sockaddr *a)
{
	struct call *c = ctx;

	(void)purpose;
	if (c->own)
		return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	if (c->loopback ? !address_is_loopback(&a->addr)
			: !address_is_public(&a->addr)) {
		c->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t take(char *data, size_t size, size_t n, void *ctx)
{
	struct call *c = ctx;
	size_t max = c->fetch->max ? c->fetch->max : MAX_DEFAULT;

	if (c->answer->body->len + size * n > max) {
		c->large = true;
		return 0;
	}
	buf_add(c->answer->body, data, size * n);
	return size * n;
}

/* libcurl keeps every header; a limit of its own it has only for each. */
static size_t count_header(char *data, size_t size, size_t n, void *ctx)
{
	struct call *c = ctx;

	(void)data;
	c->headers += size * n;
	if (c->headers <= HEADERS_MAX)
		return size * n;
	c->large = true;
	return 0;
}

static void set_options(CURL *h, struct call *c)
{
	const struct http_fetch *f = c->fetch;
	long timeout = f->timeout_ms ? f->timeout_ms : TIMEOUT_DEFAULT_MS;

	curl_easy_setopt(h, CURLOPT_URL, f->url);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR,
	    c->loopback || c->own ? "http,https" : "https");
	if (!text_empty(f->ca_file))
		curl_easy_setopt(h, CURLOPT_CAINFO, f->ca_file);
	curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h, CURLOPT_PROXY, "");
	curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, timeout);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, timeout);
	curl_easy_setopt(h, CURLOPT_FRESH_CONNECT,
	    1L); /* never repeats a POST by itself */
	curl_easy_setopt(h, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, c);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, count_header);
	curl_easy_setopt(h, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(h, CURLOPT_USERAGENT, "Maillayer/" VERSION);
	if (f->body != NULL) {
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)strlen(f->body));
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, f->body);
	}
	if (f->method != NULL)
		curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, f->method);
}

static struct curl_slist *headers(void *mem, const struct http_fetch *f)
{
	struct curl_slist *l = curl_slist_append(NULL, "Expect:");

	if (f->content_type != NULL)
		l = curl_slist_append(l,
		    mem_printf(mem, "Content-Type: %s", f->content_type));
	for (size_t i = 0; f->headers != NULL && f->headers[i] != NULL; i++)
		l = curl_slist_append(l, f->headers[i]);
	return l;
}

static enum err finish(void *mem, CURL *h, CURLcode code, struct call *c)
{
	struct http_answer *a = c->answer;
	char *type = NULL;
	long status = 0;

	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(h, CURLINFO_CONTENT_TYPE, &type);
	a->status = (int)status;
	a->content_type = mem_str(mem, type ? type : "");
	if (code == CURLE_OK)
		return OK;
	if (c->refused)
		a->why = "This address leads into a private network and is not called.";
	else if (c->large)
		a->why = "The answer is larger than allowed.";
	else
		a->why =
		    mem_printf(mem, "The call failed: %s.", curl_easy_strerror(code));
	return ERR_IO;
}

enum err http_fetch(void *mem, const struct log *lg, const struct http_fetch *f,
    struct http_answer *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "fetch");
	struct call c = { .fetch = f, .answer = out };
	struct curl_slist *list;
	struct url u;
	CURL *h;
	enum err e;

	memset(out, 0, sizeof(*out));
	out->body = buf_new(mem);
	e = url_check_own(f->url, f->allow_loopback, f->own_hosts ? f->own_hosts : "",
	    &u, &out->why);
	if (e != OK)
		return e;
	c.loopback = u.loopback;
	c.own = u.own;
	h = curl_easy_init();
	if (h == NULL)
		return ERR_IO;
	list = headers(tmp, f);
	set_options(h, &c);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, list);
	e = finish(mem, h, curl_easy_perform(h), &c);
	curl_slist_free_all(list);
	curl_easy_cleanup(h);
	if (e != OK)
		log_warn(lg, "fetch.failed", LOG_STR("why", out->why));
	return e;
}
