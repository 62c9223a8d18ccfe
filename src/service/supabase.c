#include "service/supabase.h"

#include <string.h>

#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/supabase.h"
#include "repo/user.h"
#include "service/address.h"
#include "service/invitation.h"
#include "service/supabase_call.h"

static const char trip_context[] = "supabase:trip";

/* ---- there and back ---- */

/*
 * The verifier never leaves this browser and us: it travels sealed in a cookie,
 * together with where the person wanted to go, and a code is worth nothing without it.
 */
static const char *seal_trip(const struct visit *v, void *mem,
    const struct supabase_trip *t, const char *verifier)
{
	struct json_object *o = json_obj(mem);
	size_t n;
	void *box;

	json_set_text(o, "verifier", verifier);
	json_set_text(o, "provider", t->provider);
	json_set_text(o, "next", t->next);
	json_set_int(o, "link", t->link_user);
	json_set_int(o, "at", v->now);
	box = secret_seal(mem, v->keys, trip_context, json_write(mem, o), &n);
	return base64url_encode(mem, box, n);
}

void supabase_depart(const struct visit *v, void *mem, const struct supabase_trip *t,
    const char **url, const char **cookie)
{
	const struct supabase *s = v->supabase;
	const char *verifier = id_secret(mem);
	const char *back =
	    mem_printf(mem, "%s/auth/callback", s->config->server.public_url);
	uint8_t challenge[32];

	sha256(verifier, strlen(verifier), challenge);
	*url = mem_printf(mem,
	    "%s/authorize?provider=%s&redirect_to=%s&code_challenge=%s"
	    "&code_challenge_method=s256%s",
	    s->browser, url_encode(mem, t->provider), url_encode(mem, back),
	    base64url_encode(mem, challenge, sizeof(challenge)),
	    /* Microsoft tells the address only who asks for it */
	    text_equal(t->provider, "azure") ? "&scopes=email" : "");
	*cookie = seal_trip(v, mem, t, verifier);
}

enum err supabase_return(const struct visit *v, void *mem, const char *cookie,
    struct supabase_trip *t, const char **verifier)
{
	struct json_object *o;
	uint8_t *box;
	char *text;
	size_t n;
	int64_t age;

	if (text_empty(cookie) || !base64url_decode(mem, cookie, &box, &n) ||
	    secret_open(mem, v->keys, trip_context, box, n, &text) != OK ||
	    json_read(mem, text, strlen(text), &o, NULL) != OK)
		return ERR_INVALID;
	age = v->now - json_int(o, "at", 0);
	if (age < 0 || age > SUPABASE_TRIP_S * 1000)
		return ERR_INVALID;
	t->provider = json_text(o, "provider", "");
	t->next = json_text(o, "next", "/");
	t->link_user = json_int(o, "link", 0);
	*verifier = json_text(o, "verifier", "");
	return OK;
}

static const struct {
	const char *code, *words;
} words[] = {
	{ "flow_state_not_found",
	    "This sign-in was used already, or is too old. Begin again." },
	{ "flow_state_expired", "This sign-in took too long. Begin again." },
	{ "bad_code_verifier",
	    "This sign-in was begun in another browser. Begin again in this one." },
	{ "bad_oauth_state", "This sign-in took too long. Begin again." },
	{ "bad_oauth_callback",
	    "The provider answered something Supabase does not understand. Try "
	    "again." },
	{ "access_denied",
	    "The provider did not let you in, or you did not agree to it." },
	{ "signup_disabled", "The project at Supabase takes no new users just now." },
	{ "provider_disabled",
	    "This provider is not switched on at Supabase. An administrator of this "
	    "server can change that." },
	{ "provider_email_needs_verification",
	    "Confirm your address first: Supabase has sent you a mail." },
	{ "email_not_confirmed",
	    "Confirm your address first: Supabase has sent you a mail." },
	{ "user_banned", "Supabase does not let you in: this user is banned there." },
	{ "server_error", "Something went wrong at Supabase. Try again." },
	{ "unexpected_failure", "Something went wrong at Supabase. Try again." },
	{ "temporarily_unavailable", "Supabase is not available just now. Try again." },
};

const char *supabase_words(void *mem, const char *code)
{
	size_t n = strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789_");

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (text_equal(words[i].code, code))
			return words[i].words;
	}
	if (n == 0 || n > 60 || code[n] != '\0')
		return "Supabase refused this sign-in.";
	return mem_printf(mem, "Supabase refused this sign-in (%s).", code);
}

enum err supabase_exchange(const struct visit *v, void *mem, const char *code,
    const char *verifier, struct supabase_person *out, const char **why)
{
	struct supabase_grant g = { .grant = "pkce", .body = json_obj(mem) };
	enum err e;

	json_set_text(g.body, "auth_code", code);
	json_set_text(g.body, "code_verifier", verifier);
	e = supabase_grant(v, mem, &g, out, why);
	if (e == ERR_FORBIDDEN)
		*why = supabase_words(mem, g.code);
	return e;
}

/* ---- who may come in ---- */

static enum err refuse(const struct visit *v, const struct supabase_person *p,
    const char *what, const char **why, const char *sentence)
{
	log_info(v->log, "supabase.not_admitted", LOG_STR("user", p->id),
	    LOG_STR("why", what));
	*why = sentence;
	return ERR_FORBIDDEN;
}

/* Their account; what is copied of Supabase is copied anew. */
static enum err known(const struct visit *v, void *mem, const struct supabase_person *p,
    struct user **out, const char **why)
{
	struct address a;
	struct user *u, copy;
	int64_t id;
	enum err e = supabase_user_find(v->db, p->id, &id);

	if (e == OK)
		e = user_get(v->db, mem, id, &u);
	if (e != OK)
		return e;
	if (u->disabled)
		return refuse(v, p, "disabled", why,
		    "This account is disabled. An administrator of this server can "
		    "change that.");
	copy = *u;
	if (p->confirmed && address_parse(mem, p->email, &a, why) == OK &&
	    !text_equal(a.email, u->email)) {
		copy.email = a.email;
		copy.name = p->name;
		e = supabase_user_copy(v->db, &copy, a.key, v->now);
	}
	if (e == OK)
		e = user_get(v->db, mem, id, out);
	return e;
}

static enum err make(const struct visit *v, void *mem, const struct supabase_person *p,
    const struct address *a, struct supabase_guest *out)
{
	TX_SCOPE tx = { 0 };
	struct user *u = mem_new(mem, struct user);
	enum err e = tx_begin(v->db, &tx);

	u->email = a->email;
	u->name = p->name;
	if (e == OK)
		e = user_add(v->db, u, a->key, v->now);
	if (e == OK)
		e = supabase_user_link(v->db, u->id, p->id, v->now);
	if (e == OK)
		e = invitation_accept_all(v->db, mem, u, v->now, &out->accepted,
		    &out->naccepted);
	if (e == OK)
		e = tx_commit(&tx);
	out->user = u;
	out->made = true;
	return e;
}

/*
 * Nobody takes over an account by having its address at Supabase: the address was
 * proven to another service than the one that set the password, and an account here may
 * be an administrator's.
 */
static enum err is_taken(const struct visit *v, void *mem,
    const struct supabase_person *p, const struct address *a, const char **why)
{
	struct user *u;
	enum err e = user_find(v->db, mem, a->key, &u);

	if (e != OK)
		return e == ERR_NOTFOUND ? OK : e;
	return refuse(v, p, "address taken", why,
	    mem_printf(mem,
		"%s has an account here that is not linked with this sign-in. Sign in "
		"with its password, then link both on the page of your account.",
		a->email));
}

static enum err unknown(const struct visit *v, void *mem,
    const struct supabase_person *p, struct supabase_guest *out, const char **why)
{
	struct address a;
	size_t invitations = 0;
	enum err e;

	if (address_parse(mem, p->email, &a, why) != OK)
		return refuse(v, p, "no address", why,
		    "Supabase does not tell an email address for you, and an account "
		    "here needs one.");
	if (!p->confirmed)
		return refuse(v, p, "not confirmed", why,
		    mem_printf(mem,
			"%s is not confirmed at Supabase. Confirm it there, then sign "
			"in again.",
			a.email));
	e = is_taken(v, mem, p, &a, why);
	if (e == OK)
		e = invitation_waiting(v->db, a.email, v->now, &invitations);
	if (e != OK)
		return e;
	if (invitations == 0 && !v->supabase->config->supabase.self_register)
		return refuse(v, p, "not invited", why,
		    mem_printf(mem,
			"Nobody has invited %s. Ask somebody who manages a brand here "
			"for an invitation to just this address.",
			a.email));
	return make(v, mem, p, &a, out);
}

enum err supabase_admit(const struct visit *v, void *mem,
    const struct supabase_person *p, struct supabase_guest *out, const char **why)
{
	enum err e;

	*out = (struct supabase_guest){ 0 };
	e = known(v, mem, p, &out->user, why);
	if (e == ERR_NOTFOUND)
		e = unknown(v, mem, p, out, why);
	if (e == ERR_CONFLICT) { /* signed in twice at once: now they are known */
		*out = (struct supabase_guest){ 0 };
		e = known(v, mem, p, &out->user, why);
	}
	return e;
}

enum err supabase_link(const struct visit *v, const struct supabase_person *p,
    int64_t user_id, const char **why)
{
	enum err e = supabase_user_link(v->db, user_id, p->id, v->now);

	if (e == ERR_CONFLICT)
		return refuse(v, p, "linked already", why,
		    "This account, or that person, is linked with another one "
		    "already.");
	return e;
}
