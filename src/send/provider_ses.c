#include "send/ses_call.h"

#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/url.h"

enum { BULK_FROM_RATE = 200, PACE_US = 50000, STUCK_US = 1000000 };
/* Before anything is known: with a rate, and where nothing but the wire is a limit. */
enum { FIRST_CALLS = 3, FIRST_SINGLE = 64, FIRST_BULK = 12 };

static struct ses *ses_of(struct provider *p)
{
	return (struct ses *)p;
}

/* ---- the queue ---- */
void ses_queue(struct ses *x, struct outgoing *o)
{
	x->queue[(x->first + x->waiting++) % SES_QUEUE] = o;
}

static struct outgoing *queue_pop(struct ses *x)
{
	struct outgoing *o = x->queue[x->first];

	x->first = (x->first + 1) % SES_QUEUE;
	x->waiting--;
	return o;
}

static bool wants_bulk(const struct ses *x)
{
	if (x->mode != SEND_AUTO)
		return x->mode == SEND_BULK;
	return x->base.rate == 0 || x->base.rate > BULK_FROM_RATE;
}

static size_t entries_max(const struct ses *x)
{
	double rate = x->base.rate;

	return rate > 0 && rate < SES_ENTRIES ? (rate < 1 ? 1 : (size_t)rate)
					      : SES_ENTRIES;
}

static void fill_single(struct call *c, struct outgoing *o)
{
	struct ses *x = c->ses;
	const char *why = NULL;
	MEM_SCOPE void *tmp = mem_scope(x, "single");
	struct ses_writer w = { x->writer.configuration_set, tmp };

	c->bulk = false;
	buf_reset(c->body);
	if (ses_single(&w, o, c->body, &why) != OK) {
		provider_done(&x->base, o, OUTCOME_REJECTED, why);
		return;
	}
	c->entries[0] = o;
	c->n = 1;
}

static void template_for(struct ses *x, const struct content *content)
{
	if (x->content == content)
		return;
	mem_free(x->template);
	x->content = content;
	x->template = ses_template_new(x, content);
}

/* Takes messages of one content from the queue until the call is full. */
static void fill_bulk(struct call *c, struct outgoing *o)
{
	struct ses *x = c->ses;
	MEM_SCOPE void *tmp = mem_scope(x, "bulk");
	struct ses_writer w = { x->writer.configuration_set, tmp };
	size_t most = entries_max(x);

	c->bulk = true;
	buf_reset(c->body);
	ses_bulk_begin(&w, x->template, c->body);
	for (;;) {
		MEM_SCOPE void *one = mem_scope(tmp, "entry");
		struct ses_writer each = { w.configuration_set, one };
		const char *why = NULL;
		enum err e =
		    ses_bulk_entry(&each, x->template, o, c->n == 0, c->body, &why);

		if (e == OK) {
			c->entries[c->n++] = o;
		} else if (e == ERR_TOO_LARGE) {
			o->alone = true;
			ses_queue(x, o);
		} else {
			provider_done(&x->base, o, OUTCOME_REJECTED, why);
		}
		if (c->n == most || !x->waiting ||
		    x->queue[x->first]->content != x->content ||
		    x->queue[x->first]->alone)
			break;
		o = queue_pop(x);
	}
	ses_bulk_end(&w, c->body);
}

/*
 * How many calls at once: what rate and latency ask for, twice over.  More would gain
 * nothing, and whatever is in flight when we die is in doubt.
 */
static size_t calls_for(const struct ses *x, double per_second)
{
	return (size_t)(2 * per_second * x->latency / 1e6) + 2;
}

/*
 * The rate is the account's, and what is really answered a second: so it grows, by
 * doubling, while waiting for answers is what limits, and stops growing where our
 * processor or our disk does.
 */
static size_t calls_max(const struct ses *x)
{
	bool bulk = wants_bulk(x);
	size_t most = bulk ? BULK_CONNECTIONS : SINGLE_CONNECTIONS,
	       need = bulk ? FIRST_BULK : FIRST_SINGLE, n = calls_for(x, x->pace);

	if (x->base.lanes > 1)
		most /= x->base.lanes;
	if (n > need)
		need = n;
	if (x->base.rate > 0) {
		double calls = x->base.rate / (bulk ? (double)entries_max(x) : 1);

		n = x->latency > 0 ? calls_for(x, calls) : FIRST_CALLS;
		if (n < need)
			need = n;
	}
	return need < most ? need : most;
}

/*
 * Calls that have waited far longer than others do: their answers may never come, and
 * until their time is over the others must not wait for their places.
 */
static size_t stuck(const struct ses *x)
{
	int64_t limit = clock_mono_us() - STUCK_US - (int64_t)(8 * x->latency);
	size_t n = 0;

	for (size_t i = 0; i < x->ncalls; i++)
		n += x->calls[i].busy && x->calls[i].began < limit;
	return n;
}

/* Follows at once when it rises; answers come in bursts, so slowly when it falls. */
static void count_pace(struct ses *x)
{
	int64_t now = clock_mono_us(), us = now - x->paced_at;
	double pace = x->answers * 1e6 / (double)us;

	if (us < PACE_US)
		return;
	x->pace = pace > x->pace ? pace : x->pace * 0.9 + pace * 0.1;
	x->paced_at = now;
	x->answers = 0;
}

static void pump(struct ses *x)
{
	size_t most = calls_max(x);

	x->watching = false;
	if (x->waiting)
		ses_sockets_watch(&x->sockets, &x->watching);
	if (x->watching)
		return;
	if (x->active >= most)
		most += stuck(x);
	for (size_t i = 0; i < x->ncalls && x->active < most && x->waiting; i++) {
		struct call *c = &x->calls[i];
		struct outgoing *o;

		if (c->busy || !call_ready(x, c))
			continue;
		c->n = 0;
		o = queue_pop(x);
		if (wants_bulk(x) && !o->alone)
			template_for(x, o->content);
		if (wants_bulk(x) && !o->alone && x->template)
			fill_bulk(c, o);
		else
			fill_single(c, o);
		if (c->n)
			call_start(c);
		/* Its body goes on its way while the next one is written. */
		if (c->bulk)
			wire_step(x, 0);
	}
}

/* ---- the interface ---- */
/*
 * Only what can be in flight at once is taken: what is taken is in doubt if we die, so
 * there are never more of these than calls times entries.
 */
static size_t ses_room(struct provider *p)
{
	struct ses *x = ses_of(p);
	size_t most = (calls_max(x) * 4 + 2) / 3 * (wants_bulk(x) ? entries_max(x) : 1);
	size_t rest = SES_QUEUE - x->waiting,
	       room = most > p->in_flight ? most - p->in_flight : 0;

	if (room == 0 && rest > 0) {
		most += stuck(x) * (wants_bulk(x) ? entries_max(x) : 1);
		room = most > p->in_flight ? most - p->in_flight : 0;
	}
	/* Some is kept for what must go alone. */
	rest = rest > SES_ENTRIES ? rest - SES_ENTRIES : 0;
	return room < rest ? room : rest;
}

static void ses_send(struct provider *p, struct outgoing *const *batch, size_t n)
{
	struct ses *x = ses_of(p);

	for (size_t i = 0; i < n; i++) {
		p->in_flight++;
		if (x->waiting < SES_QUEUE)
			ses_queue(x, batch[i]);
		else
			provider_done(p, batch[i], OUTCOME_LATER,
			    "The queue was full.");
	}
	pump(x);
}

static void ses_step(struct provider *p, int timeout_ms)
{
	struct ses *x = ses_of(p);

	count_pace(x);
	pump(x);
	wire_step(x, 0);
	if (x->active)
		FAILPOINT("send.waiting");
	ses_collect(x);
	if (!p->done && (x->active || x->watching) && timeout_ms > 0) {
		wire_step(x, x->watching ? 1 : timeout_ms);
		ses_collect(x);
	}
	pump(x);
}

static void ses_quit(struct provider *p)
{
	struct ses *x = ses_of(p);

	for (size_t i = 0; i < x->ncalls; i++) {
		struct call *c = &x->calls[i];

		if (!c->busy)
			continue;
		call_end(c);
		call_all_done(c, c->begun ? OUTCOME_DOUBT : OUTCOME_LATER,
		    "The time of this piece of work ended before an answer came.");
		ses_socket_end(&x->sockets, c->socket, c);
	}
	while (x->waiting)
		provider_done(p, queue_pop(x), OUTCOME_LATER,
		    "The time of this piece of work ended.");
}

/* What to tell when the account did not answer with its limits. */
static const char *account_why(const struct ses *x, CURLcode code, long status)
{
	if (code != CURLE_OK)
		return call_error(x, code);
	if (status == 400 || status == 401 || status == 403)
		return "Amazon does not accept this key here, or its user may not call "
		       "ses:GetAccount.";
	if (status == 429 || status >= 500)
		return "Amazon is busy. Try again in a minute.";
	return "The account gave no quota.";
}

/* One GET; *o is the answer, NULL unless it was 200 and JSON. */
static enum err ask(struct ses *x, void *mem, const char *path, struct json_object **o,
    const char **why)
{
	struct call *c = &x->calls[0];
	long status = 0;
	CURLcode code;

	*o = NULL;
	*why = "This process has too little memory.";
	if (!call_ready(x, c))
		return ERR_IO;
	buf_reset(c->body);
	buf_reset(c->answer);
	c->begun = false;
	c->socket = -1;
	if (call_sign(c, "GET", path) != OK)
		return ERR_INVALID;
	curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, 5L);
	code = curl_easy_perform(c->curl);
	ses_socket_end(&x->sockets, c->socket, c);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, (long)CALL_SECONDS);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	*why = account_why(x, code, status);
	if (code != CURLE_OK || status != 200 ||
	    json_read(mem, c->answer->data, c->answer->len, o, NULL) != OK)
		return ERR_IO;
	return OK;
}

/*
 * Which senders may be used: account_json gets identities [{name, verified}], and
 * identities_complete when the list is whole.  A user without ses:ListEmailIdentities
 * leaves them out; then nobody can say.
 */
static void add_identities(struct ses *x, void *mem, struct json_object *account)
{
	struct json_object *o, *all, *list = json_arr(mem);
	const char *why;

	if (ask(x, mem, "/v2/email/identities", &o, &why) != OK)
		return;
	all = json_get(o, "EmailIdentities");
	if (!json_object_is_type(all, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(all); i++) {
		struct json_object *one = json_object_array_get_idx(all, i);
		struct json_object *as = json_obj(mem);

		json_set_text(as, "name", json_text(one, "IdentityName", ""));
		json_set_bool(as, "verified", json_flag(one, "SendingEnabled", false));
		json_push(list, as);
	}
	json_set(account, "identities", list);
	json_set_bool(account, "identities_complete",
	    text_empty(json_text(o, "NextToken", "")));
}

static enum err ses_account(struct provider *p, void *mem, struct provider_settings *ps,
    const char **why)
{
	struct ses *x = ses_of(p);
	struct json_object *o, *quota;
	enum err e = ask(x, mem, "/v2/email/account", &o, why);

	if (e != OK)
		return e;
	quota = json_get(o, "SendQuota");
	if (!quota)
		return ERR_IO;
	ps->max_rate = json_object_get_double(json_get(quota, "MaxSendRate"));
	ps->max_day = json_object_get_double(json_get(quota, "Max24HourSend"));
	ps->sent_day = json_object_get_double(json_get(quota, "SentLast24Hours"));
	add_identities(x, mem, o);
	ps->account_json = json_write(mem, o);
	return OK;
}

static const struct provider_ops ops = {
	.name = "ses",
	.room = ses_room,
	.send = ses_send,
	.step = ses_step,
	.quit = ses_quit,
	.account = ses_account,
};

static int ses_free(struct ses *x)
{
	for (size_t i = 0; i < x->ncalls; i++) {
		curl_easy_cleanup(x->calls[i].curl);
		curl_slist_free_all(x->calls[i].headers);
	}
	wire_close(x);
	ses_sockets_close(&x->sockets);
	return 0;
}

/* ---- opening ---- */
static enum err set_endpoint(struct ses *x, const struct provider_settings *ps,
    const char **why)
{
	struct url u;
	enum err e;

	x->typed = !text_empty(ps->endpoint);
	x->url = x->typed ? mem_str(x, ps->endpoint)
			  : mem_printf(x, "https://email.%s.amazonaws.com", ps->region);
	e = url_check(x->url, x->base.app->config->security.allow_loopback_http, &u,
	    why);
	if (e != OK)
		return e;
	if (!url_is_bare(&u)) {
		*why = "The endpoint of Amazon SES must be a host without a path.";
		return ERR_INVALID;
	}
	/* as libcurl writes it, since it is signed: without a port that goes without
	 * saying */
	x->host = u.port == (u.https ? 443 : 80)
	    ? mem_str(x, u.host)
	    : mem_strn(x, u.authority, (size_t)(u.path - u.authority));
	x->url = mem_strn(x, x->url, (size_t)(u.path - x->url));
	x->plain = u.loopback;
	return OK;
}

static enum err set_key(struct ses *x, const struct provider_settings *ps,
    const char **why)
{
	char *context = mem_printf(x, "provider:%lld", (long long)ps->brand_id),
	     *secret = NULL;

	*why = "The access key of Amazon SES is not set.";
	if (text_empty(ps->access_key_id) || text_empty(ps->region) || !ps->secret)
		return ERR_INVALID;
	*why = "The secret access key cannot be read: enter it again.";
	if (secret_open(x, x->base.app->keys, context, ps->secret, ps->secret_len,
		&secret) != OK)
		return ERR_INVALID;
	x->signer = (struct sigv4){
		.key_id = mem_str(x, ps->access_key_id),
		.secret = secret,
		.region = mem_str(x, ps->region),
		.service = "ses",
	};
	return OK;
}

enum err provider_ses_open(void *mem, struct app *app,
    const struct provider_settings *ps, struct provider **out, const char **why)
{
	struct ses *x = mem_new(mem, struct ses);
	enum err e;

	x->base =
	    (struct provider){ .ops = &ops, .app = app, .brand_id = ps->brand_id };
	x->writer.configuration_set = mem_str(x, ps->configuration_set);
	x->mode = ps->mode;
	x->sockets.mem = x;
	e = set_key(x, ps, why);
	if (e == OK)
		e = set_endpoint(x, ps, why);
	if (e != OK)
		return e;
	mem_on_free(x, ses_free);
	*why = "This process has too many files open.";
	if (wire_open(x) != OK)
		return ERR_IO;
	x->ncalls = SINGLE_CONNECTIONS;
	curl_multi_setopt(x->multi, CURLMOPT_MAXCONNECTS, (long)x->ncalls);
	x->calls = mem_array(x, struct call, x->ncalls);
	*out = &x->base;
	return OK;
}
