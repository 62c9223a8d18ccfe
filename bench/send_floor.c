/* What the slice is held against; see bench/send.c. */
#include <curl/curl.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "repo/brand.h"
#include "repo/campaign.h"
#include "repo/field.h"
#include "send.h"
#include "send/compose.h"
#include "send/ses_call.h"

enum { WIRE_MOST = 8000 /* single messages: each is 35 KB of memory */ };

static struct content *compile(struct dbtest *t, struct app *app)
{
	struct campaign *c;
	struct brand *brand;
	struct content *content;
	struct compose_source src = { .public_url = "https://m.test",
		.keys = app->keys,
		.mode = COMPOSE_SEND };

	if (campaign_get(t->db, t->mem, 1, 5, &c) != OK ||
	    brand_get(t->db, t->mem, 1, &brand) != OK)
		bench_die("no campaign");
	src.campaign = c;
	src.brand = brand;
	if (content_compile(t->mem, &src, &content) != OK)
		bench_die("the content does not compile");
	return content;
}

/* One of the people in the database, without asking it. */
static struct outgoing *message(void *mem, const struct content *c, int i)
{
	struct outgoing *o = mem_new(mem, struct outgoing);
	struct json_object *custom = json_obj(o);

	json_set_text(custom, "city", mem_printf(o, "C%d", i));
	*o = (struct outgoing){ .delivery_id = i,
		.attempt_id = i,
		.campaign_id = 5,
		.tries = 1,
		.content = c,
		.to = mem_printf(o, "p%d@x.test", i) };
	o->who = (struct subscriber){ .id = i,
		.email = o->to,
		.email_key = o->to,
		.first_name = mem_printf(o, "N%d", i),
		.last_name = "",
		.custom = custom };
	return o;
}

/* ---- no ledger: the provider alone ---- */
void bench_no_ledger(const struct job *j, struct figure *f)
{
	struct dbtest t;
	struct app *app = bench_app(&t, j);
	struct content *c = compile(&t, app);
	struct provider *p;
	struct brand *brand;
	struct outgoing *o;
	const char *why;
	int begun = 0, done = 0;
	double start = bench_now_us(), cpu = bench_cpu_us();

	if (brand_get(t.db, t.mem, 1, &brand) != OK ||
	    provider_open(t.mem, app, brand, "campaign", &p, &why) != OK)
		bench_die("the provider does not open");
	while (done < j->people) {
		struct outgoing *batch[SES_ENTRIES];
		size_t room = p->ops->room(p), n = 0;

		while (n < room && n < SES_ENTRIES && begun < j->people)
			batch[n++] = message(p, c, ++begun);
		if (n)
			p->ops->send(p, batch, n);
		else
			p->ops->step(p, 50);
		while ((o = provider_take(p))) {
			if (o->outcome != OUTCOME_ACCEPTED)
				bench_die(o->reason);
			mem_free(o);
			done++;
		}
	}
	bench_figure(f, j->people, start, cpu);
}

/* ---- the wire: ready bytes ---- */
struct ready {
	struct curl_slist *headers;
	struct buf *body;
};
struct wire {
	CURLM *multi;
	struct ready *ready;
	size_t n, next, done;
};

static struct curl_slist *add(struct curl_slist *list, const char *name,
    const char *value)
{
	struct curl_slist *l;
	char *line = mem_printf(NULL, "%s: %s", name, value);

	l = curl_slist_append(list, line);
	mem_free(line);
	return l;
}

static struct curl_slist *sign(struct sigv4 *key, const struct job *j,
    const struct buf *body)
{
	char date[SIGV4_DATE], hash[SIGV4_HASH], auth[SIGV4_AUTH], host[64];
	struct sigv4_header h[] = {
		{ "content-type", "application/json" },
		{ "host", host },
		{ "x-amz-content-sha256", hash },
		{ "x-amz-date", date },
	};
	struct sigv4_request r = {
		.method = "POST",
		.path = j->bulk ? "/v2/email/outbound-bulk-emails"
				: "/v2/email/outbound-emails",
		.query = "",
		.headers = h,
		.nheaders = sizeof(h) / sizeof(*h),
		.body_hash = hash,
		.date = date,
	};
	struct curl_slist *list = NULL;

	snprintf(host, sizeof(host), "%s:%d", j->tls ? "localhost" : "127.0.0.1",
	    j->sink->port);
	sigv4_date(clock_now(&clock_system), date);
	sigv4_hash(body->data, body->len, hash);
	if (sigv4_sign(key, &r, auth) != OK)
		bench_die("it cannot be signed");
	list = add(list, h[0].name, h[0].value);
	list = add(list, h[2].name, h[2].value);
	list = add(list, h[3].name, h[3].value);
	list = add(list, "authorization", auth);
	return curl_slist_append(list, "Expect:");
}

/* The body of the i-th call, as the slice would write it. */
static struct buf *body_of(void *mem, const struct content *c, const struct job *j,
    int i)
{
	struct buf *b = buf_new(mem);
	MEM_SCOPE void *tmp = mem_scope(mem, "body");
	struct ses_writer w = { "main", tmp };
	struct ses_template *template = j->bulk ? ses_template_new(tmp, c) : NULL;
	const char *why = "";
	int last =
	    (i + 1) * SES_ENTRIES < j->people ? (i + 1) * SES_ENTRIES : j->people;

	if (!j->bulk) {
		if (ses_single(&w, message(tmp, c, i + 1), b, &why) != OK)
			bench_die(why);
		return b;
	}
	ses_bulk_begin(&w, template, b);
	for (int n = i * SES_ENTRIES; n < last; n++)
		if (ses_bulk_entry(&w, template, message(tmp, c, n + 1),
			n == i * SES_ENTRIES, b, &why) != OK)
			bench_die(why);
	ses_bulk_end(&w, b);
	return b;
}

static void next(struct wire *w, CURL *h)
{
	struct ready *r = &w->ready[w->next];

	if (w->next == w->n)
		return;
	w->next++;
	curl_easy_setopt(h, CURLOPT_POSTFIELDS, r->body->data);
	curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body->len);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, r->headers);
	curl_multi_add_handle(w->multi, h);
}

static size_t ignore(char *p, size_t size, size_t n, void *ctx)
{
	(void)p;
	(void)ctx;
	return size * n;
}

static void begin(struct wire *w, const struct job *j, size_t connections)
{
	char url[128];

	snprintf(url, sizeof(url), "%s:%d/v2/email/outbound-%semails",
	    j->tls ? "https://localhost" : "http://127.0.0.1", j->sink->port,
	    j->bulk ? "bulk-" : "");
	w->multi = curl_multi_init();
	curl_multi_setopt(w->multi, CURLMOPT_MAXCONNECTS, (long)connections);
	for (size_t i = 0; i < connections; i++) {
		CURL *h = curl_easy_init();

		curl_easy_setopt(h, CURLOPT_URL, url);
		curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, ignore);
		next(w, h);
	}
}

static void drain(struct wire *w)
{
	while (w->done < w->n) {
		CURLMsg *m;
		int n, running;

		curl_multi_perform(w->multi, &running);
		while ((m = curl_multi_info_read(w->multi, &n))) {
			CURL *h = m->easy_handle;

			if (m->data.result != CURLE_OK)
				bench_die(curl_easy_strerror(m->data.result));
			w->done++;
			curl_multi_remove_handle(w->multi, h);
			next(w, h);
		}
		if (running)
			curl_multi_poll(w->multi, NULL, 0, 100, NULL);
	}
}

void bench_wire(const struct job *j, struct figure *f)
{
	struct dbtest t;
	struct app *app = bench_app(&t, j);
	struct content *c = compile(&t, app);
	struct sigv4 key = { .key_id = "AKIDEXAMPLE",
		.secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
		.region = "eu-central-1",
		.service = "ses" };
	struct wire w = { .n = (size_t)(j->bulk
				  ? (j->people + SES_ENTRIES - 1) / SES_ENTRIES
				  : j->people < WIRE_MOST ? j->people
							  : WIRE_MOST) };
	double start, cpu;

	w.ready = mem_array(t.mem, struct ready, w.n);
	for (size_t i = 0; i < w.n; i++) {
		w.ready[i].body = body_of(t.mem, c, j, (int)i);
		w.ready[i].headers = sign(&key, j, w.ready[i].body);
	}
	start = bench_now_us();
	cpu = bench_cpu_us();
	begin(&w, j, j->bulk ? BULK_CONNECTIONS : SINGLE_CONNECTIONS);
	drain(&w);
	bench_figure(f, j->bulk ? j->people : (int)w.n, start, cpu);
}
