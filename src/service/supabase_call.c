#include "service/supabase_call.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

enum { ANSWER_MAX = 256 * 1024, CODE_MAX = 60, REFRESH_MAX = 1024 };

/* ---- one call ---- */

/* A word such as "flow_state_expired"; anything else is not repeated to anybody. */
static const char *word(const char *s)
{
	size_t n = s ? strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") : 0;

	return n > 0 && n <= CODE_MAX && s[n] == '\0' ? s : "";
}

/* Versions of Supabase say it as error_code, code or error. */
static const char *error_code(struct json_object *o)
{
	static const char *const names[] = { "error_code", "code", "error" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *code = word(json_text(o, names[i], NULL));

		if (code[0] != '\0')
			return code;
	}
	return "";
}

/*
 * A call that is not answered holds a worker for seconds.  So after one only one
 * process at a time tries again, and the others know without asking; the first answer
 * ends it.
 */
enum { SILENT_S = 60, PROBE_S = 5 };
static const char silent_key[] = "supabase:silent", probe_key[] = "supabase:probe";

bool supabase_silent(const struct visit *v)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "supabase_silent");
	char *value;
	size_t n;

	return kv_get(v->kv, tmp, silent_key, &value, &n) == OK;
}

static enum err no_answer(const char **why)
{
	*why =
	    "Supabase, where you sign in, cannot be reached just now. Try again in a "
	    "minute.";
	return ERR_BUSY;
}

static enum err silent(const struct visit *v, const struct supabase_call *c,
    const char *what, const char **why)
{
	log_warn(v->log, "supabase.failed", LOG_STR("call", c->path),
	    LOG_STR("why", what));
	(void)kv_set(v->kv, silent_key, "1", 1, SILENT_S);
	return no_answer(why);
}

static const char *const *headers(void *mem, const struct supabase *s,
    const char *access)
{
	const char **h = mem_array(mem, const char *, 4);
	size_t n = 0;

	h[n++] = mem_printf(mem, "apikey: %s", s->config->supabase.anon_key);
	if (access)
		h[n++] = mem_printf(mem, "Authorization: Bearer %s", access);
	h[n] = NULL;
	return h;
}

enum err supabase_ask(const struct visit *v, void *mem, const struct supabase_call *c,
    struct supabase_answer *out, const char **why)
{
	const struct supabase *s = v->supabase;
	struct http_fetch f = {
		.method = c->method,
		.url = mem_printf(mem, "%s%s", s->auth, c->path),
		.body = c->body ? json_write(mem, c->body) : NULL,
		.content_type = c->body ? "application/json" : NULL,
		.headers = headers(mem, s, c->access),
		.max = ANSWER_MAX,
		.timeout_ms = c->timeout_ms,
		.allow_loopback = s->config->security.allow_loopback_http,
		.own_hosts = s->config->supabase.allow_private,
		.ca_file = s->config->supabase.ca_file,
	};
	bool doubt = supabase_silent(v);
	struct http_answer a;

	*out = (struct supabase_answer){ .code = "" };
	if (doubt && kv_add(v->kv, probe_key, "1", 1, PROBE_S) == ERR_CONFLICT)
		return no_answer(why);
	if (http_fetch(mem, v->log, &f, &a) != OK)
		return silent(v, c, a.why, why);
	out->status = a.status;
	out->text = a.body->data;
	if (json_read(mem, a.body->data, a.body->len, &out->body, NULL) != OK)
		out->body = NULL;
	if (a.status < 200 || a.status >= 300)
		out->code = error_code(out->body);
	if (a.status >= 500 || a.status == 429 || a.status == 408)
		return silent(v, c, mem_printf(mem, "it answers %d", a.status), why);
	if (doubt) {
		(void)kv_delete(v->kv, silent_key);
		(void)kv_delete(v->kv, probe_key);
	}
	return OK;
}

/* ---- tokens ---- */

static enum err odd(const struct visit *v, const char *what, const char **why)
{
	log_error(v->log, "supabase.odd", LOG_STR("why", what));
	*why =
	    "Supabase answered something that cannot be trusted. An administrator of "
	    "this server finds the reason in its log.";
	return ERR_BUSY;
}

static enum err refused(const struct visit *v, const struct supabase_answer *a,
    struct supabase_grant *g, const char **why)
{
	g->code = a->code;
	log_info(v->log, "supabase.refused", LOG_STR("grant", g->grant),
	    LOG_INT("status", a->status), LOG_STR("code", a->code));
	/* the gateway before Supabase Auth, about our key */
	if (a->code[0] == '\0')
		return odd(v, "it refuses without a reason: is anon_key right?", why);
	*why = "Supabase refused this sign-in.";
	return ERR_FORBIDDEN;
}

/* A name for people: one line, not longer than ours may be. */
static const char *name_of(void *mem, struct json_object *user)
{
	struct json_object *meta = json_get(user, "user_metadata");
	const char *full = json_text(meta, "full_name", "");
	char *name = text_trim(mem, full[0] ? full : json_text(meta, "name", ""));
	size_t n = strlen(name);

	if (text_has_control(name))
		return "";
	while (n > 0 && text_length(name) > USER_NAME_MAX) {
		n--;
		while (n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80)
			n--;
		name[n] = '\0';
	}
	return name;
}

static enum err read_tokens(const struct visit *v, void *mem, struct json_object *o,
    struct supabase_person *p, const char **why)
{
	struct json_object *user = json_get(o, "user");
	const char *what = NULL;
	struct jwt j;
	enum err e;

	p->access = json_text(o, "access_token", "");
	p->refresh = json_text(o, "refresh_token", "");
	if (p->refresh[0] == '\0' || strlen(p->refresh) > REFRESH_MAX ||
	    text_has_control(p->refresh))
		return odd(v, "no refresh token", why);
	e = supabase_verify(v, mem, p->access, &j, &what);
	if (e == ERR_UNAUTHENTICATED)
		return odd(v, mem_printf(mem, "access token: %s", what), why);
	if (e != OK)
		return no_answer(why);
	p->id = mem_str(mem, j.sub);
	p->verified_until = j.ends_at;
	if (!text_equal(json_text(user, "id", NULL), p->id))
		return odd(v, "token and user differ", why);
	p->email = json_text(user, "email", "");
	p->confirmed = !text_empty(json_text(user, "email_confirmed_at", NULL));
	p->name = name_of(mem, user);
	return OK;
}

enum err supabase_grant(const struct visit *v, void *mem, struct supabase_grant *g,
    struct supabase_person *out, const char **why)
{
	struct supabase_call c = {
		.method = "POST",
		.path = mem_printf(mem, "/token?grant_type=%s", g->grant),
		.body = g->body,
	};
	struct supabase_answer a;
	enum err e = supabase_ask(v, mem, &c, &a, why);

	*out = (struct supabase_person){ .email = "", .name = "" };
	if (e != OK)
		return e;
	if (a.status < 200 || a.status >= 300)
		return refused(v, &a, g, why);
	return read_tokens(v, mem, a.body, out, why);
}
