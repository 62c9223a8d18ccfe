#include "service/supabase.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "dbtest.h"
#include "repo/brand.h"
#include "repo/member.h"
#include "repo/supabase.h"
#include "repo/user.h"
#include "service/invitation.h"
#include "tap.h"

#define NOW INT64_C(1764000000000)
#define ID(n) "8f14e45f-ceea-467f-a0e6-0d9e3f3b1a7" n

struct world {
	struct dbtest *t;
	struct config config;
	struct keyring keys;
	struct visit v;
	struct brand brand;
	struct user ann; /* an admin of the brand, with a password */
};

static void begin(struct world *w, struct dbtest *t)
{
	memset(w, 0, sizeof(*w));
	w->t = t;
	w->config.server.public_url = "https://mail.example";
	w->config.supabase.url = "https://p.supabase.co";
	w->config.supabase.algorithm = "HS256";
	w->config.supabase.jwt_secret = "a secret of at least 32 characters";
	w->keys.mac[0] = 7;
	w->brand = (struct brand){ .name = "Nordlicht",
		.from_name = "",
		.from_email = "",
		.reply_to = "",
		.postal_address = "",
		.time_zone = "UTC",
		.hook_token = "h" };
	w->ann = (struct user){ .email = "ann@x.example",
		.name = "Ann",
		.password_hash = "x" };
	w->v = (struct visit){ .db = t->db,
		.keys = &w->keys,
		.log = t->log,
		.now = NOW,
		.supabase = supabase_new(t->mem, &w->config) };
	ok(kv_open(t->mem, "", t->log, &w->v.kv) == OK &&
		brand_add(t->db, &w->brand, NOW) == OK &&
		user_add(t->db, &w->ann, "ann@x.example", NOW) == OK &&
		member_set(t->db, w->brand.id, w->ann.id, ROLE_ADMIN, NOW) == OK,
	    "a brand and its admin");
}

static void invite(struct world *w, const char *email, const char *role)
{
	struct inviter by = { .db = w->t->db,
		.brand_id = w->brand.id,
		.user_id = w->ann.id,
		.name = "Ann",
		.role = ROLE_ADMIN,
		.now = NOW };
	struct form *f = form_new(w->t->mem);
	struct invitation *i;
	char *token;

	form_add(f, "email", email);
	form_add(f, "role", role);
	ok(invitation_make(&by, w->t->mem, f, &i, &token) == OK, "%s is invited",
	    email);
}

static struct supabase_person person(const char *id, const char *email)
{
	return (struct supabase_person){ .id = id,
		.email = email,
		.confirmed = true,
		.name = "A Person" };
}

/* How they are let in; *g and the sentence are for looking at. */
static enum err admit(struct world *w, const struct supabase_person *p,
    struct supabase_guest *g, const char **why)
{
	*why = "";
	return supabase_admit(&w->v, w->t->mem, p, g, why);
}

static void strangers(struct world *w)
{
	struct supabase_person p = person(ID("0"), "new@x.example");
	struct supabase_guest g;
	const char *why;

	is_int(admit(w, &p, &g, &why), ERR_FORBIDDEN,
	    "supabase_admit refuses who is not invited");
	ok(strstr(why, "Nobody has invited new@x.example"), "and says so");
	p.email = "Ann@X.example";
	is_int(admit(w, &p, &g, &why), ERR_FORBIDDEN,
	    "and who has the address of an account");
	ok(strstr(why, "Sign in with its password"), "with what to do");
	p.email = "";
	is_int(admit(w, &p, &g, &why), ERR_FORBIDDEN, "and who has no address");
	p.email = "a b@x";
	is_int(admit(w, &p, &g, &why), ERR_FORBIDDEN, "or one that is none");
}

static void guests(struct world *w)
{
	struct supabase_person p = person(ID("1"), "Ben@X.example");
	struct supabase_guest g;
	struct member *m;
	const char *why;
	int64_t id;

	invite(w, "ben@x.example", "editor");
	p.confirmed = false;
	is_int(admit(w, &p, &g, &why), ERR_FORBIDDEN,
	    "an invitation is for an address that is confirmed");
	p.confirmed = true;
	is_int(admit(w, &p, &g, &why), OK, "supabase_admit lets in who is invited");
	ok(g.made && g.naccepted == 1, "with a new account and the invitation");
	ok(!g.user->admin && !g.user->password_hash, "of no power and no password");
	ok(member_get(w->t->db, w->t->mem, w->brand.id, g.user->id, &m) == OK &&
		m->role == ROLE_EDITOR,
	    "in the brand, with the role");
	id = g.user->id;
	is_int(admit(w, &p, &g, &why), OK, "and again");
	ok(!g.made && g.naccepted == 0 && g.user->id == id, "as the same");
	p.email = "benjamin@x.example";
	is_int(admit(w, &p, &g, &why), OK, "under another address they are the same");
	is_text(g.user->email, "benjamin@x.example", "whose address is copied");
	p.email = "ann@x.example";
	is_int(admit(w, &p, &g, &why), OK, "but not over another account's");
	is_text(g.user->email, "benjamin@x.example", "which keeps its own");
	p.email = "evil@x.example";
	p.confirmed = false;
	is_int(admit(w, &p, &g, &why), OK, "nor if it is not confirmed");
	is_text(g.user->email, "benjamin@x.example", "which changes nothing");
	ok(user_set_disabled(w->t->db, id, true, NOW) == OK, "an admin disables them");
	is_int(admit(w, &p, &g, &why), ERR_FORBIDDEN, "then they stay outside");
	ok(strstr(why, "disabled"), "and read why");
}

static void registering(struct world *w)
{
	struct supabase_person p = person(ID("2"), "cy@x.example");
	struct supabase_guest g;
	const char *why;

	w->config.supabase.self_register = true;
	is_int(admit(w, &p, &g, &why), OK, "self_register lets everybody in");
	ok(g.made && g.naccepted == 0 && !g.user->admin, "to no brand");
	p = person(ID("3"), "ann@x.example");
	is_int(admit(w, &p, &g, &why), ERR_FORBIDDEN, "but to no account of others");
	p = person(ID("4"), "dee@x.example");
	p.confirmed = false;
	is_int(admit(w, &p, &g, &why), ERR_FORBIDDEN,
	    "nor with an address that is not confirmed");
	w->config.supabase.self_register = false;
}

static void linking(struct world *w)
{
	struct supabase_person p = person(ID("5"), "ann.private@x.example");
	struct supabase_guest g;
	const char *why = "";
	int64_t id = w->ann.id;
	char *sub;

	is_int(supabase_link(&w->v, &p, id, &why), OK, "supabase_link links");
	is_int(admit(w, &p, &g, &why), OK, "then they come in");
	ok(g.user->id == id, "as that account");
	is_text(g.user->email, "ann@x.example",
	    "which has a password, so it keeps its address");
	p.id = ID("6");
	is_int(supabase_link(&w->v, &p, id, &why), ERR_FORBIDDEN,
	    "an account has one person");
	p.id = ID("2");
	is_int(supabase_user_unlink(w->t->db, id, NOW), OK, "a link can be ended");
	is_int(supabase_link(&w->v, &p, id, &why), ERR_FORBIDDEN,
	    "and a person one account");
	ok(supabase_user_of(w->t->db, w->t->mem, id, &sub) == OK && sub == NULL,
	    "so there is none");
	ok(supabase_user_find(w->t->db, ID("2"), &id) == OK, "the other one");
	is_int(supabase_user_unlink(w->t->db, id, NOW), ERR_CONFLICT,
	    "has no password, so its link stays");
}

static void trips(struct world *w)
{
	struct supabase_trip t = { "azure", "/brands/7", 12 }, back;
	const char *url, *cookie, *verifier, *changed;
	struct keyring others = { .mac = { 9 }, .box[0].key = { 9 } };

	supabase_depart(&w->v, w->t->mem, &t, &url, &cookie);
	ok(text_starts(url,
	       "https://p.supabase.co/auth/v1/authorize?provider=azure&redirect_to="
	       "https%3A%2F%2Fmail.example%2Fauth%2Fcallback&code_challenge=") &&
		text_ends(url, "&code_challenge_method=s256&scopes=email"),
	    "supabase_depart goes to Supabase");
	is_int(supabase_return(&w->v, w->t->mem, cookie, &back, &verifier), OK,
	    "supabase_return comes back");
	ok(text_equal(back.next, "/brands/7") && back.link_user == 12 &&
		strlen(verifier) == 43 && strstr(cookie, verifier) == NULL,
	    "with what was taken along, sealed");
	changed = mem_printf(w->t->mem, "%s%s", cookie + 4, "AAAA");
	is_int(supabase_return(&w->v, w->t->mem, changed, &back, &verifier),
	    ERR_INVALID, "not when it was changed");
	w->v.now = NOW + SUPABASE_TRIP_S * 1000 + 1;
	is_int(supabase_return(&w->v, w->t->mem, cookie, &back, &verifier), ERR_INVALID,
	    "nor after ten minutes");
	w->v.now = NOW;
	w->v.keys = &others;
	is_int(supabase_return(&w->v, w->t->mem, cookie, &back, &verifier), ERR_INVALID,
	    "nor of another installation");
	w->v.keys = &w->keys;
	is_int(supabase_return(&w->v, w->t->mem, NULL, &back, &verifier), ERR_INVALID,
	    "nor without one");
}

static void sessions(struct world *w)
{
	struct supabase_person p = { .access = "a.b.c",
		.refresh = "secret-refresh",
		.verified_until = NOW + 3600000 };
	struct supabase_tokens t = { 0 };
	struct supabase_row row;
	const char *why = "";
	char *cookie;
	struct caller c = { 0 };
	int64_t id = 0;

	ok(session_begin(&w->v, w->t->mem, &w->ann, &cookie) == OK &&
		session_id_of(&w->v, w->t->mem, cookie, &id) == OK &&
		supabase_tokens_of(&w->v, w->t->mem, id, &t) == ERR_NOTFOUND,
	    "a session of a password has no tokens");
	ok(supabase_keep(&w->v, id, &p) == OK &&
		supabase_tokens_of(&w->v, w->t->mem, id, &t) == OK &&
		text_equal(t.access, "a.b.c") && text_equal(t.refresh, p.refresh),
	    "supabase_keep keeps them");
	ok(supabase_row_get(w->t->db, w->t->mem, id, &row) == OK &&
		memmem(row.box, row.len, "secret", 6) == NULL,
	    "sealed");
	ok(session_read(&w->v, w->t->mem, cookie, &c) == OK &&
		c.verified_until == p.verified_until,
	    "session_read says until when they are good");
	is_int(supabase_stay(&w->v, w->t->mem, cookie, &c, &why), OK,
	    "supabase_stay asks nobody long before");
	is_int(supabase_row_claim(w->t->db, id, NOW, NOW, NOW + 9), ERR_CONFLICT,
	    "supabase_row_claim is for who saw what there is");
	is_int(supabase_row_claim(w->t->db, id, p.verified_until, NOW, NOW + 9), OK,
	    "and gives the right to ask");
	is_int(supabase_row_claim(w->t->db, id, p.verified_until, NOW + 8, NOW + 20),
	    ERR_CONFLICT, "to one");
	is_int(supabase_row_claim(w->t->db, id, p.verified_until, NOW + 9, NOW + 20),
	    OK, "until its time is over");
	w->v.supabase = NULL;
	w->v.now = p.verified_until - 1000;
	is_int(supabase_stay(&w->v, w->t->mem, cookie, &c, &why), ERR_NOTFOUND,
	    "where Supabase is not configured any more the session ends");
	is_int(session_read(&w->v, w->t->mem, cookie, &c), ERR_NOTFOUND, "for good");
}

static void all(struct dbtest *t)
{
	struct world w;

	begin(&w, t);
	strangers(&w);
	guests(&w);
	registering(&w);
	linking(&w);
	trips(&w);
	sessions(&w);
}

int main(void)
{
	dbtest_run(all);
	return done_testing();
}
