#include "web/compose.h"

#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "kv/limit.h"
#include "send/test.h"
#include "service/address.h"
#include "web/access.h"
#include "web/campaign.h"

/* A test of the mail to a few addresses, outside the ledger. */
enum { TEST_MAX = 5, TESTS = 30, TEST_WINDOW_S = 600 };

enum err compose_test_page(struct request *rq, struct response *rs)
{
	struct campaign *c;
	enum err e = campaign_find(rq, &c);

	if (e == OK)
		e = compose_fill(rq, rs, c, "test");
	if (e == OK)
		e = compose_people(rq, rs, c->brand_id);
	return e;
}

static void take_address(struct request *rq, const char *text, const char **list,
    size_t *n)
{
	struct address a;
	const char *why;

	if (text_empty(text))
		return;
	if (*n == TEST_MAX)
		form_fail(rq->form, "emails", "At most %d addresses at a time.",
		    TEST_MAX);
	else if (address_parse(rq, text, &a, &why) != OK)
		form_fail(rq->form, "emails", "“%.80s”: %s", text, why);
	else
		list[(*n)++] = a.email;
}

/* "a@b, c@d", one a line, or an array. */
static size_t test_addresses(struct request *rq, const char **list)
{
	struct json_object *v = form_json(rq->form, "emails");
	size_t i, n = 0;
	char *rest, *part;

	if (json_object_is_type(v, json_type_array)) {
		for (i = 0; i < json_object_array_length(v); i++)
			take_address(rq,
			    text_trim(rq,
				json_object_get_string(
				    json_object_array_get_idx(v, i))),
			    list, &n);
	} else {
		rest = mem_str(rq, form_text(rq->form, "emails", 0, 2000));
		while ((part = strsep(&rest, ",; \t\r\n")) != NULL)
			take_address(rq, part, list, &n);
	}
	if (n == 0 && form_ok(rq->form))
		form_fail(rq->form, "emails", "Enter at least one address.");
	return n;
}

static struct json_object *results_json(void *mem, const struct test_result *r,
    size_t n, size_t *sent)
{
	struct json_object *all = json_arr(mem);
	size_t i;

	*sent = 0;
	for (i = 0; i < n; i++) {
		struct json_object *o = json_obj(mem);

		json_set_text(o, "email", r[i].address);
		json_set_bool(o, "sent", r[i].sent);
		json_set_text(o, "text", r[i].text != NULL ? r[i].text : "");
		json_push(all, o);
		*sent += r[i].sent;
	}
	return all;
}

static enum err refuse_test(struct form *f, const struct test_result *r, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!r[i].sent)
			form_fail(f, "emails", "%s: %s", r[i].address,
			    text_empty(r[i].text) ? "It was not sent." : r[i].text);
	return ERR_INVALID;
}

static enum err answer_test(struct request *rq, struct response *rs,
    const struct campaign *c, const struct test_result *r, size_t n)
{
	struct json_object *o = json_obj(rs);
	size_t sent;

	json_set(o, "results", results_json(rs, r, n, &sent));
	json_set_int(o, "sent", (int64_t)sent);
	audit(rq, "campaign.test", c->id,
	    json_set_text(json_set(json_obj(rq), "test", o), "name", c->name));
	if (!rq->api && sent < n)
		return refuse_test(rq->form, r, n);
	if (sent == 1)
		respond_flash(rs, "A test is on its way to %s.", r[0].address);
	else
		respond_flash(rs, "%zu tests are on their way.", sent);
	return respond_seen(rs, o, "/brands/%lld/campaigns/%lld/%s",
	    (long long)c->brand_id, (long long)c->id,
	    c->status == CAMPAIGN_DRAFT ? "send" : "test");
}

/* Whoever cannot be counted does not send: a test goes to any address at all. */
static enum err count_test(struct request *rq, struct response *rs)
{
	const char *key = mem_printf(rq, "rate:test:%lld", (long long)rq->args[0]);
	enum err e =
	    limit_hit(rq->kv, key, rq->now, TEST_WINDOW_S, TESTS, &rs->retry_after);

	if (e == ERR_LIMITED)
		return respond_error(rs, e,
		    "This brand has sent %d tests in ten minutes. Wait %d seconds.",
		    TESTS, rs->retry_after);
	return e;
}

enum err compose_test(struct request *rq, struct response *rs)
{
	const char *list[TEST_MAX], *why = "";
	struct test_result results[TEST_MAX] = { 0 };
	struct test_people who = { .addresses = list, .results = results };
	struct subscriber *s;
	struct campaign *c;
	enum err e = campaign_find(rq, &c);

	if (e == OK)
		e = compose_person(rq,
		    form_int(rq->form, "subscriber", 0, INT64_MAX, 0), &s);
	if (e != OK)
		return e;
	who.n = test_addresses(rq, list);
	who.as = s;
	if (!form_ok(rq->form))
		return ERR_INVALID;
	e = count_test(rq, rs);
	if (e != OK)
		return e;
	e = send_test(rq, rq->app, c, rq->caller->brand, &who, &why);
	if (e == ERR_INVALID)
		return form_fail(rq->form, "emails", "%s", why);
	return e == OK ? answer_test(rq, rs, c, results, who.n) : e;
}
