#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/supabase.h"
#include "service/supabase_call.h"

/*
 * A session that began at Supabase.  The access token says for an hour or so that the
 * person is who they are; shortly before it ends one process, chosen by the database,
 * asks for the next.  The tokens rotate, and using one twice ends all: so nobody else
 * asks.
 */
enum { RENEW_MS = 60 * 1000, LEASE_MS = 20 * 1000, REST_S = 15, WAIT_MS = 3000 };
enum { POLL_MS = 100, LEAVE_MS = 3000 };

/* ---- the tokens, sealed ---- */

static const char *context(void *mem, int64_t session_id)
{
	return mem_printf(mem, "supabase:%lld", (long long)session_id);
}

enum err supabase_keep(const struct visit *v, int64_t session_id,
    const struct supabase_person *p)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "supabase_keep");
	struct supabase_row row = { .verified_until = p->verified_until };
	struct json_object *o = json_obj(tmp);

	json_set_text(o, "access", p->access);
	json_set_text(o, "refresh", p->refresh);
	row.box = secret_seal(tmp, v->keys, context(tmp, session_id),
	    json_write(tmp, o), &row.len);
	return supabase_row_put(v->db, session_id, &row);
}

static enum err open_box(const struct visit *v, void *mem, int64_t session_id,
    const struct supabase_row *row, struct supabase_tokens *out)
{
	struct json_object *o;
	char *text;

	if (row->box == NULL ||
	    secret_open(mem, v->keys, context(mem, session_id), row->box, row->len,
		&text) != OK ||
	    json_read(mem, text, strlen(text), &o, NULL) != OK)
		return ERR_NOTFOUND;
	out->access = json_text(o, "access", "");
	out->refresh = json_text(o, "refresh", "");
	return OK;
}

enum err supabase_tokens_of(const struct visit *v, void *mem, int64_t session_id,
    struct supabase_tokens *out)
{
	struct supabase_row row;
	enum err e = supabase_row_get(v->db, mem, session_id, &row);

	return e == OK ? open_box(v, mem, session_id, &row, out) : e;
}

/* ---- staying ---- */

static enum err ended(const struct visit *v, const struct caller *c, const char *what,
    const char **why)
{
	struct session_pick p = { .user_id = c->user_id, .only = c->session_id };
	enum err e = sessions_end(v, &p, NULL);

	log_info(v->log, "supabase.ended", LOG_INT("user", c->user_id),
	    LOG_STR("why", what));
	*why = "Your session ended at Supabase. Sign in again.";
	return e == OK ? ERR_NOTFOUND : e;
}

/* Supabase is silent: until the token ends the person stays, and is told. */
static enum err go_on(const struct visit *v, void *mem, struct caller *c,
    const char **why)
{
	int64_t minutes = (c->verified_until - v->now + 59999) / 60000;

	if (v->now < c->verified_until) {
		c->warning = mem_printf(mem,
		    "Supabase, where you signed in, cannot be reached. You stay signed "
		    "in for %lld more %s.",
		    (long long)minutes, minutes == 1 ? "minute" : "minutes");
		return OK;
	}
	*why =
	    "Supabase, where you signed in, cannot be reached, and what it last said "
	    "about you has run out. Reload this page in a minute: you are still "
	    "signed in there.";
	return ERR_BUSY;
}

static enum err is_same(const struct visit *v, void *mem, const struct caller *c,
    const struct supabase_person *p)
{
	char *id = NULL;
	enum err e = supabase_user_of(v->db, mem, c->user_id, &id);

	if (e != OK)
		return e;
	return text_equal(id, p->id) ? OK : ERR_NOTFOUND;
}

/* Only ever in one process for a session at a time. */
static enum err renew(const struct visit *v, void *mem, struct caller *c,
    const struct supabase_row *row, const char **why)
{
	struct supabase_grant g = { .grant = "refresh_token", .body = json_obj(mem) };
	struct supabase_tokens t;
	struct supabase_person p;
	enum err e = open_box(v, mem, c->session_id, row, &t);

	if (e != OK)
		return ended(v, c, "the tokens cannot be opened", why);
	json_set_text(g.body, "refresh_token", t.refresh);
	e = supabase_grant(v, mem, &g, &p, why);
	if (e == ERR_FORBIDDEN)
		return ended(v, c, g.code, why);
	if (e == ERR_BUSY) {
		e = supabase_row_rest(v->db, c->session_id, v->now + REST_S * 1000);
		return e == OK ? go_on(v, mem, c, why) : e;
	}
	if (e == OK)
		e = is_same(v, mem, c, &p);
	if (e == ERR_NOTFOUND)
		return ended(v, c, "another user", why);
	if (e == OK)
		e = supabase_keep(v, c->session_id, &p);
	c->verified_until = p.verified_until;
	return e;
}

static void pause_a_little(void)
{
	struct timespec ts = { .tv_nsec = POLL_MS * 1000000 };

	nanosleep(&ts, NULL);
}

/* Another process is asking, or asked in vain a moment ago. */
static enum err wait_for_it(const struct visit *v, void *mem, struct caller *c,
    const char **why)
{
	struct supabase_row row = { .verified_until = c->verified_until };
	int64_t before = c->verified_until;
	bool silent = false;
	enum err e = OK;

	for (int ms = 0; ms <= WAIT_MS; ms += POLL_MS) {
		silent = supabase_silent(v);
		e = supabase_row_get(v->db, mem, c->session_id, &row);
		if (e != OK || row.verified_until != before || silent ||
		    v->now < before)
			break;
		pause_a_little();
	}
	if (e == ERR_NOTFOUND) {
		*why = "Your session ended at Supabase. Sign in again.";
		return e;
	}
	c->verified_until = row.verified_until;
	if (e != OK || row.verified_until != before || (!silent && v->now < before))
		return e;
	return go_on(v, mem, c, why);
}

enum err supabase_stay(const struct visit *v, void *mem, const char *cookie,
    struct caller *c, const char **why)
{
	struct supabase_row row;
	enum err e;

	if (c->verified_until - v->now > RENEW_MS)
		return OK;
	e = supabase_row_get(v->db, mem, c->session_id, &row);
	if (e != OK)
		return e;
	c->verified_until = row.verified_until;
	if (c->verified_until - v->now > RENEW_MS)
		return OK;
	if (v->supabase == NULL)
		return ended(v, c, "it is not configured any more", why);
	e = supabase_row_claim(v->db, c->session_id, row.verified_until, v->now,
	    v->now + LEASE_MS);
	if (e == ERR_CONFLICT)
		return wait_for_it(v, mem, c, why);
	if (e == OK)
		e = renew(v, mem, c, &row, why);
	if (e == OK && c->warning == NULL)
		session_forget(v, mem, cookie);
	return e;
}

/* ---- leaving ---- */

static int log_out(const struct visit *v, void *mem, const char *access)
{
	struct supabase_call c = {
		.method = "POST",
		.path = "/logout?scope=local",
		.access = access,
		.body = json_obj(mem),
		.timeout_ms = LEAVE_MS,
	};
	struct supabase_answer a;
	const char *why;

	return supabase_ask(v, mem, &c, &a, &why) == OK ? a.status : 0;
}

void supabase_leave(const struct visit *v, void *mem, const struct supabase_tokens *t)
{
	struct supabase_grant g = { .grant = "refresh_token", .body = json_obj(mem) };
	struct supabase_person p;
	const char *why;
	int status = log_out(v, mem, t->access);

	if (status != 401 && status != 403)
		return;
	/* the access token has ended: the refresh token gives another, to end both */
	json_set_text(g.body, "refresh_token", t->refresh);
	if (supabase_grant(v, mem, &g, &p, &why) == OK)
		(void)log_out(v, mem, p.access);
}
