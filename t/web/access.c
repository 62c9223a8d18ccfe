#include "web/access.h"

#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "dbtest.h"
#include "http/response.h"
#include "repo/api_key.h"
#include "repo/brand.h"
#include "service/api_key.h"
#include "service/auth.h"
#include "service/brand.h"
#include "tap.h"
#include "web/visit.h"

#define NOW INT64_C(1764000000000)

/* ---- a site of nothing but permissions ---- */

static enum err answer_yes(struct request *rq, struct response *rs)
{
	return respond(rs, json_obj(rq));
}

/* Changes the brand and says so; then "fail" in the form makes it fail. */
static enum err rename_brand(struct request *rq, struct response *rs)
{
	struct brand *b = rq->caller->brand;
	enum err e;

	b->name = form_get(rq->form, "name");
	e = brand_set(rq->db, b, NOW);
	if (e != OK)
		return e;
	audit_name(rq, "brand.update", b->id, b->name);
	return form_has(rq->form, "fail") ? ERR_CONFLICT : answer_yes(rq, rs);
}

/* clang-format off */
static const struct route routes[] = {
	{ GET,    "/public", answer_yes, NULL, ACCESS_PUBLIC, NULL, 0 },
	{ POST,   "/public", answer_yes, NULL, ACCESS_PUBLIC, NULL, 0 },
	{ GET,    "/mine", answer_yes, NULL, ACCESS_SIGNED_IN, NULL, 0 },
	{ POST,   "/install", answer_yes, NULL, ACCESS_INSTALLATION, NULL, 0 },
	{ POST,   "/cron", answer_yes, NULL, ACCESS_CRON, NULL, ROUTE_RAW },
	{ GET,    "/brands/{}", answer_yes, NULL, VIEW_BRAND, NULL, 0 },
	{ GET,    "/brands/{}/people", answer_yes, NULL, VIEW_CONTACTS, NULL, 0 },
	{ POST,   "/brands/{}/people", answer_yes, NULL, EDIT_CONTACTS, NULL, 0 },
	{ GET,    "/brands/{}/mail", answer_yes, NULL, VIEW_CAMPAIGNS, NULL, 0 },
	{ POST,   "/brands/{}/mail", answer_yes, NULL, EDIT_CAMPAIGNS, NULL, 0 },
	{ POST,   "/brands/{}/send", answer_yes, NULL, SEND_CAMPAIGNS, NULL, 0 },
	{ POST,   "/brands/{}/manage", answer_yes, NULL, MANAGE_BRAND, NULL, 0 },
	{ POST,   "/brands/{}/members", answer_yes, NULL, MANAGE_TEAM, NULL, 0 },
	{ GET,    "/brands/{}/team", answer_yes, NULL, VIEW_MANAGEMENT, NULL, 0 },
	{ POST,   "/brands/{}/leave", answer_yes, NULL, LEAVE_BRAND, NULL, 0 },
	{ POST,   "/brands/{}/own", answer_yes, NULL, OWN_BRAND, NULL, 0 },
	{ GET,    "/install", answer_yes, NULL, VIEW_INSTALLATION, NULL, 0 },
	{ POST,   "/users", answer_yes, NULL, MANAGE_USERS, NULL, 0 },
	{ PATCH,  "/brands/{}/whole", rename_brand, NULL, MANAGE_BRAND, NULL, ROUTE_WHOLE },
	{ POST,   "/brands/{}/forgotten", answer_yes, NULL, 0, NULL, 0 },
};
/* clang-format on */

struct world {
	struct dbtest *t;
	struct app *app;
	struct brand *brand, *other;
	const char *cookie, *csrf, *key;
	const char *origin, *fetch_site, *cron;
	const char *name; /* sent in the form */
	bool fail;
};

static int ask(struct world *w, enum method m, const char *path, int64_t brand)
{
	static const struct site site = {
		.routes = routes,
		.n = sizeof(routes) / sizeof(*routes),
		.enter = access_enter,
		.admit = access_admit,
		.leave = access_leave,
		.act = access_act,
	};
	struct request *rq = request_new(w->t->mem);
	struct response *rs = response_new(rq);
	const char *uri =
	    brand ? mem_printf(rq, "/brands/%lld%s", (long long)brand, path) : path;

	if (w->key || w->cookie)
		uri = mem_printf(rq, "/api/v1%s", uri);
	if (request_set_target(rq, uri) != OK)
		return 0;
	rq->method = m;
	rq->app = w->app;
	rq->db = w->t->db;
	rq->kv = w->app->kv;
	rq->log = *w->t->log;
	rq->now = NOW;
	rq->ip = "192.0.2.1";
	rq->host = "mail.example";
	rq->origin = w->origin ? w->origin : "";
	rq->fetch_site = w->fetch_site;
	rq->csrf_token = w->csrf;
	if (w->key)
		rq->authorization = mem_printf(rq, "Bearer %s", w->key);
	if (w->cron)
		rq->authorization = mem_printf(rq, "bearer %s", w->cron);
	if (w->cookie)
		json_set_text(rq->cookies, SESSION_COOKIE, w->cookie);
	if (w->name)
		form_add(rq->form, "name", w->name);
	if (w->fail)
		form_add(rq->form, "fail", "1");
	site_serve(&site, rq, rs);
	return rs->status;
}

static struct brand *make_brand(struct dbtest *t, const char *name)
{
	struct form *f = form_new(t->mem);
	struct brand *b = NULL;

	form_add(f, "name", name);
	ok(brand_create(t->db, t->mem, f, 0, NOW, &b) == OK, "brand_create makes %s",
	    name);
	return b;
}

static void begin(struct world *w, struct dbtest *t)
{
	static struct config config = { .server = {
					    .public_url = "http://mail.example" } };

	memset(w, 0, sizeof(*w));
	w->t = t;
	w->app = mem_new(t->mem, struct app);
	w->app->config = &config;
	w->app->keys = mem_new(t->mem, struct keyring);
	memset(w->app->keys->cron, 'c', 64);
	w->app->db = t->db;
	ok(kv_open(t->mem, "", t->log, &w->app->kv) == OK,
	    "kv_open opens the local table");
	w->brand = make_brand(t, "mine");
	w->other = make_brand(t, "other");
}

/* ---- people ---- */

static struct user *sign(struct world *w, const char *email, bool admin)
{
	struct visit v = { .db = w->t->db,
		.kv = w->app->kv,
		.keys = w->app->keys,
		.ip = "192.0.2.1",
		.now = NOW };
	struct form *f = form_new(w->t->mem);
	struct caller c = { 0 };
	struct user *u = NULL;
	char *cookie = NULL;

	form_add(f, "email", email);
	form_add(f, "password", "four words do well");
	ok(user_create(w->t->db, w->t->mem, f, admin, NOW, &u) == OK,
	    "user_create makes %s", email);
	ok(session_begin(&v, w->t->mem, u, &cookie) == OK, "session_begin lets %s in",
	    email);
	ok(session_read(&v, w->t->mem, cookie, &c) == OK, "session_read knows %s",
	    email);
	w->cookie = cookie;
	w->csrf = c.csrf;
	return u;
}

static const struct {
	enum method method;
	const char *path;
	enum role least;
	unsigned scope;
} matrix[] = {
	{ GET, "", ROLE_VIEWER, SCOPE_READ },
	{ GET, "/people", ROLE_VIEWER, SCOPE_READ },
	{ POST, "/people", ROLE_EDITOR, SCOPE_WRITE },
	{ GET, "/mail", ROLE_VIEWER, SCOPE_READ },
	{ POST, "/mail", ROLE_EDITOR, SCOPE_WRITE },
	{ POST, "/send", ROLE_EDITOR, SCOPE_SEND },
	{ POST, "/manage", ROLE_ADMIN, SCOPE_WRITE },
	{ GET, "/team", ROLE_ADMIN, SCOPE_READ },
	{ POST, "/members", ROLE_ADMIN, SCOPE_MANAGE },
	{ POST, "/leave", ROLE_VIEWER, 0 },
	{ POST, "/own", ROLE_OWNER, SCOPE_MANAGE },
};
enum { MATRIX = sizeof(matrix) / sizeof(*matrix) };

static void test_roles(struct dbtest *t)
{
	struct world w;
	struct user *u;

	begin(&w, t);
	u = sign(&w, "person@mail.example", false);
	for (size_t i = 0; i < MATRIX; i++)
		is_int(ask(&w, matrix[i].method, matrix[i].path, w.brand->id), 404,
		    "nobody sees %s of a brand they are not in", matrix[i].path);
	for (enum role r = ROLE_VIEWER; r <= ROLE_OWNER; r++) {
		ok(member_set(t->db, w.brand->id, u->id, r, NOW) == OK, "member_set");
		for (size_t i = 0; i < MATRIX; i++) {
			is_int(ask(&w, matrix[i].method, matrix[i].path, w.brand->id),
			    r >= matrix[i].least ? 200 : 403, "%s may %s %s, or not",
			    role_word(r), method_name(matrix[i].method),
			    matrix[i].path);
			is_int(ask(&w, matrix[i].method, matrix[i].path, w.other->id),
			    404, "%s sees nothing of another brand", role_word(r));
		}
	}
	is_int(ask(&w, POST, "/install", 0), 403, "an owner is no administrator");
	is_int(ask(&w, GET, "/install", 0), 403, "nor sees what they see");
	is_int(ask(&w, GET, "/mine", 0), 200, "everybody sees their own");
	is_int(ask(&w, POST, "/forgotten", w.brand->id), 404,
	    "a route that forgot its permission is there for nobody");
	sign(&w, "admin@mail.example", true);
	for (size_t i = 0; i < MATRIX; i++)
		is_int(ask(&w, matrix[i].method, matrix[i].path, w.other->id), 200,
		    "an administrator may %s", matrix[i].path);
	is_int(ask(&w, POST, "/install", 0), 200, "an administrator is one");
}

/* ---- keys ---- */

static const char *make_key(struct world *w, int64_t user, int64_t brand,
    unsigned scopes)
{
	struct key_grant g = { .brand_id = brand,
		.user_id = user,
		.scopes = SCOPE_ALL,
		.now = NOW };
	struct form *f = form_new(w->t->mem);
	struct api_key *k;
	char *secret = NULL;

	form_add(f, "name", "test");
	form_add(f, "scopes", scopes_text(w->t->mem, scopes));
	ok(key_create(w->t->db, w->t->mem, &g, f, &k, &secret) == OK,
	    "key_create makes one");
	return secret;
}

/* A key of somebody with role r may what the role may and the scopes allow. */
static bool key_may(size_t i, enum role r, unsigned scopes)
{
	return r >= matrix[i].least && (scopes & matrix[i].scope) &&
	    (matrix[i].scope != SCOPE_MANAGE || r == ROLE_OWNER);
}

static void walk_keys(struct world *w, struct user *u, enum role r)
{
	for (unsigned scopes = 1; scopes <= SCOPE_ALL; scopes++) {
		w->key = make_key(w, u->id, w->brand->id, scopes);
		for (size_t i = 0; i < MATRIX; i++) {
			is_int(ask(w, matrix[i].method, matrix[i].path, w->brand->id),
			    key_may(i, r, scopes) ? 200 : 403,
			    "a key of %s with scopes %u may %s, or not", role_word(r),
			    scopes, matrix[i].path);
			is_int(ask(w, matrix[i].method, matrix[i].path, w->other->id),
			    404, "a key sees nothing of another brand");
		}
	}
	is_int(ask(w, POST, "/install", 0), 403, "a key of a brand makes no brands");
	is_int(ask(w, POST, "/users", 0), 403, "nor changes accounts");
}

static void test_keys(struct dbtest *t)
{
	struct world w;
	struct user *admin, *u;

	begin(&w, t);
	admin = sign(&w, "admin@mail.example", true);
	u = sign(&w, "person@mail.example", false);
	w.cookie = NULL;
	walk_keys(&w, admin, ROLE_OWNER);
	for (enum role r = ROLE_VIEWER; r <= ROLE_OWNER; r++) {
		ok(member_set(t->db, w.brand->id, u->id, r, NOW) == OK, "member_set");
		walk_keys(&w, u, r);
	}
	w.key = make_key(&w, u->id, 0, SCOPE_ALL);
	is_int(ask(&w, POST, "/people", w.brand->id), 200,
	    "a key for all brands of somebody works in theirs");
	is_int(ask(&w, GET, "", w.other->id), 404, "and in no other");
	is_int(ask(&w, POST, "/install", 0), 403, "nor for the installation");
	w.key = make_key(&w, admin->id, 0, SCOPE_READ);
	is_int(ask(&w, GET, "", w.other->id), 200, "one of an administrator sees all");
	is_int(ask(&w, POST, "/install", 0), 403, "but writes only with the scope");
	is_int(ask(&w, GET, "/install", 0), 200, "and reads what administrators read");
	w.key = make_key(&w, admin->id, 0, SCOPE_WRITE);
	is_int(ask(&w, POST, "/install", 0), 200,
	    "a key for all that writes makes brands");
	is_int(ask(&w, POST, "/users", 0), 403, "but changes no accounts");
	is_int(ask(&w, GET, "", 999999), 404, "what is not there is not there");
	w.origin = "https://evil.example";
	is_int(ask(&w, POST, "/install", 0), 200, "a key needs no token and no origin");
	w.key = make_key(&w, admin->id, 0, SCOPE_MANAGE);
	is_int(ask(&w, POST, "/users", 0), 200, "one that manages changes accounts");
	dbtest_script(t->db, "UPDATE users SET is_admin = 0");
	is_int(ask(&w, POST, "/users", 0), 403,
	    "no longer when its user is no administrator any more");
	w.key = make_key(&w, u->id, w.brand->id, SCOPE_ALL);
	dbtest_script(t->db, "UPDATE members SET role = 'viewer'");
	is_int(ask(&w, POST, "/people", w.brand->id), 403,
	    "a key has the role its user has at this moment");
	is_int(ask(&w, GET, "/people", w.brand->id), 200, "and not less");
}

/* ---- who sent the form ---- */

static void test_forms(struct dbtest *t)
{
	struct world w;
	const char *csrf;

	begin(&w, t);
	sign(&w, "admin@mail.example", true);
	csrf = w.csrf;
	w.csrf = NULL;
	is_int(ask(&w, POST, "/install", 0), 403,
	    "a form without the token is refused");
	is_int(ask(&w, GET, "/mine", 0), 200, "but reading needs none");
	w.csrf = "x";
	is_int(ask(&w, POST, "/install", 0), 403, "so is one with another");
	w.csrf = mem_printf(t->mem, "%c%s", *csrf == 'A' ? 'B' : 'A', csrf + 1);
	is_int(ask(&w, POST, "/install", 0), 403, "and one that differs in a letter");
	w.csrf = csrf;
	is_int(ask(&w, POST, "/install", 0), 200, "with it, it is accepted");
	w.origin = "https://evil.example";
	is_int(ask(&w, POST, "/install", 0), 403, "but not from another origin");
	w.origin = "http://mail.example.evil.example";
	is_int(ask(&w, POST, "/install", 0), 403, "nor from one that looks alike");
	w.origin = "null";
	is_int(ask(&w, POST, "/install", 0), 200, "our own forms send null");
	w.origin = "http://mail.example";
	is_int(ask(&w, POST, "/install", 0), 200, "or our address");
	w.fetch_site = "cross-site";
	is_int(ask(&w, POST, "/install", 0), 403,
	    "what the browser calls cross-site is refused");
	w.fetch_site = "same-site";
	is_int(ask(&w, POST, "/install", 0), 403, "and so is a neighbour");
	w.fetch_site = "same-origin";
	is_int(ask(&w, POST, "/install", 0), 200, "ours is not");
	w.cookie = w.csrf = NULL;
	is_int(ask(&w, POST, "/public", 0), 200, "signing in needs no token");
	w.fetch_site = "cross-site";
	is_int(ask(&w, POST, "/public", 0), 403, "but must come from us as well");
	is_int(ask(&w, GET, "/public", 0), 200, "while a link may come from anywhere");
}

/* ---- a change and its line ---- */

static void test_whole(struct dbtest *t)
{
	struct world w;

	begin(&w, t);
	w.key = make_key(&w, sign(&w, "a@mail.example", true)->id, w.brand->id,
	    SCOPE_WRITE);
	w.cookie = NULL;
	w.name = "first";
	is_int(ask(&w, PATCH, "/whole", w.brand->id), 200, "a change is made");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM audit_log WHERE action = 'brand.update'"
		   " AND label = 'first' AND api_key_id IS NOT NULL"),
	    1, "and stands in the audit log");
	w.name = "second";
	w.fail = true;
	is_int(ask(&w, PATCH, "/whole", w.brand->id), 409, "one fails at its end");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM brands WHERE name = 'second'"),
	    0, "and is not made");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM audit_log WHERE label = 'second'"),
	    0, "nor told");
	w.fail = false;
	dbtest_script(t->db, "ALTER TABLE audit_log RENAME TO lost");
	ok(ask(&w, PATCH, "/whole", w.brand->id) >= 500,
	    "where the line cannot be written");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM brands WHERE name = 'second'"),
	    0, "the change is not made either");
	dbtest_script(t->db, "ALTER TABLE lost RENAME TO audit_log");
	is_int(ask(&w, PATCH, "/whole", w.brand->id), 200, "until it can be");
}

static void test_cron(struct dbtest *t)
{
	struct world w;

	begin(&w, t);
	is_int(ask(&w, POST, "/cron", 0), 404, "without the secret cron is not there");
	w.cron = "wrong";
	is_int(ask(&w, POST, "/cron", 0), 404, "nor with a wrong one");
	w.cron = w.app->keys->cron;
	is_int(ask(&w, POST, "/cron", 0), 200, "with it, it is");
	is_int(ask(&w, GET, "/cron", 0), 405, "and only for POST");
}

/* ---- a change that cannot be committed ---- */

static enum err doomed(struct request *rq, struct response *rs)
{
	enum err e = db_script(rq->db, "INSERT INTO nowhere VALUES (1)");

	(void)e; /* the transaction cannot be committed any more */
	respond_flash(rs, "Done.");
	return respond_seen(rs, json_obj(rq), "/brands/1/lists/2");
}

static void test_uncommitted(struct dbtest *t)
{
	static const struct route route = { POST, "/x", doomed, NULL, ACCESS_PUBLIC,
		NULL, ROUTE_WHOLE };
	struct request *rq = request_new(t->mem);
	struct response *rs = response_new(rq);

	t->log->least = LOG_ERROR + 1;
	rq->db = t->db;
	rq->route = &route;
	ok(access_act(rq, rs) != OK, "access_act fails if the commit fails");
	ok(!rs->location && !rs->model && !rs->flash && rs->status == 0,
	    "and nothing of what the handler said is left to be told");
}

int main(void)
{
	dbtest_run(test_roles);
	dbtest_run(test_keys);
	dbtest_run(test_forms);
	dbtest_run(test_whole);
	dbtest_run(test_cron);
	dbtest_run(test_uncommitted);
	return done_testing();
}
