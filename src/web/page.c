#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/brand.h"
#include "repo/host.h"
#include "repo/provider.h"
#include "service/brand.h"
#include "service/host.h"
#include "web/access.h"
#include "web/flash.h"
#include "web/routes.h"

/* Above so many contacts the number in the side bar may be a quarter of a minute old.
 */
enum { COUNTS_EXACT = 20000, COUNTS_KEPT_S = 15 };

/* ---- assets ---- */

static struct json_object *read_manifest(struct app *app)
{
	char *path = mem_printf(app, "%s/assets/dist/manifest.json",
	    app->config->server.share_dir);
	struct json_object *o = json_object_from_file(path);

	if (!o)
		log_error(&app->log, "assets.unreadable", LOG_STR("file", path));
	mem_free(path);
	return o ? json_own(app, o) : json_obj(app);
}

static struct json_object *assets(struct app *app)
{
	if (!app->assets || app->config->server.reload_templates)
		app->assets = read_manifest(app);
	return app->assets;
}

/* ---- who and where ---- */

/* The first character of s, as text. */
static char *first_letter(void *mem, const char *s)
{
	size_t n = s[0] ? 1 : 0;

	while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return mem_strn(mem, s, n);
}

static char *initials(void *mem, const char *name, const char *email)
{
	const char *last = strrchr(name, ' ');

	if (text_empty(name))
		return first_letter(mem, email);
	return mem_printf(mem, "%s%s", first_letter(mem, name),
	    last ? first_letter(mem, last + 1) : "");
}

static void set_me(struct request *rq, struct json_object *page)
{
	const struct caller *c = rq->caller;
	struct json_object *me;

	if (!c || !c->user_id)
		return;
	me = json_obj(rq);
	json_set_int(me, "id", c->user_id);
	json_set_text(me, "name", c->name);
	json_set_text(me, "email", c->email);
	json_set_bool(me, "admin", c->admin);
	json_set_text(me, "initials", initials(rq, c->name, c->email));
	json_set(page, "me", me);
	json_set_text(page, "csrf", c->csrf);
	json_set_text(page, "role", role_word(c->role));
	json_set_text(page, "warning", c->warning);
}

static void set_provider(struct request *rq, struct json_object *brand, int64_t id)
{
	struct provider_settings *p;
	struct json_object *o;

	if (provider_settings_get(rq->db, rq, id, &p) != OK)
		return;
	o = json_obj(rq);
	json_set_text(o, "kind", provider_kind_word(p->kind));
	json_set_text(o, "label",
	    p->kind == PROVIDER_SES
		? mem_printf(rq, "Amazon SES, %s", ses_region_name(p->region))
		: "Local outbox");
	if (p->kind == PROVIDER_SES) {
		json_set_int(o, "max_day", (int64_t)p->max_day);
		json_set_int(o, "sent_day", (int64_t)p->sent_day);
		json_set_double(o, "max_rate", p->max_rate);
	}
	json_set(brand, "provider", o);
}

/* Counting a million rows costs more than the rest of a page: large numbers are kept a
 * moment. */
static void set_counts(struct request *rq, struct json_object *brand, int64_t id)
{
	const char *key = mem_printf(rq, "brand:counts:%lld", (long long)id);
	struct brand_counts n = { 0 }, kept;
	struct json_object *o = json_obj(rq);
	void *value;
	size_t len;

	if (kv_get(rq->kv, rq, key, (char **)&value, &len) == OK &&
	    len == sizeof(kept)) {
		memcpy(&n, value, sizeof(n));
	} else if (brand_counts(rq->db, id, &n) != OK) {
		return;
	} else if (n.subscribers > COUNTS_EXACT) {
		(void)kv_set(rq->kv, key, &n, sizeof(n), COUNTS_KEPT_S);
	}
	json_set_int(o, "subscribers", n.subscribers);
	json_set_int(o, "lists", n.lists);
	json_set(brand, "counts", o);
}

static void set_brand(struct request *rq, struct json_object *page)
{
	const struct brand *b = rq->caller ? rq->caller->brand : NULL;
	struct json_object *o;

	json_set_text(page, "zone", b ? b->time_zone : "UTC");
	if (!b)
		return;
	o = json_obj(rq);
	json_set_int(o, "id", b->id);
	json_set_text(o, "name", b->name);
	json_set_text(o, "mark", first_letter(rq, b->name));
	json_set_text(o, "time_zone", b->time_zone);
	json_set_text(o, "path", mem_printf(rq, "/brands/%lld", (long long)b->id));
	set_provider(rq, o, b->id);
	set_counts(rq, o, b->id);
	json_set(page, "brand", o);
}

static void set_brands(struct request *rq, struct json_object *page)
{
	const struct caller *c = rq->caller;
	struct json_object *arr = json_arr(rq);
	struct brand *b;
	size_t n = 0;

	if (c && c->user_id &&
	    brand_list(rq->db, rq, c->admin ? 0 : c->user_id, &b, &n) != OK)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_obj(rq);

		json_set_int(o, "id", b[i].id);
		json_set_text(o, "name", b[i].name);
		json_set_text(o, "mark", first_letter(rq, b[i].name));
		json_push(arr, o);
	}
	json_set(page, "brands", arr);
}

/* While a restored or copied database waits for somebody to confirm, every page says
 * so. */
static void set_held(struct request *rq, struct json_object *page)
{
	struct json_object *o;
	struct host *h;

	if (!rq->caller || !rq->caller->user_id || host_held(rq->db, rq, &h) != OK)
		return;
	o = json_obj(rq);
	json_set_text(o, "why", h->held);
	json_set_text(o, "host", h->name);
	json_set_text(o, "what", host_held_sentence(h->held));
	json_set(page, "held", o);
}

/* "/brands/{}/campaigns/{}" is of the section "campaigns"; "/brands/{}" of "overview".
 */
static const char *section(struct request *rq)
{
	const char *p = rq->route ? rq->route->pattern : "";

	if (!text_starts(p, "/brands/{}"))
		return "";
	p += strlen("/brands/{}");
	return *p == '/' ? mem_strn(rq, p + 1, strcspn(p + 1, "/")) : "overview";
}

/* ---- what was typed, and what was wrong ---- */

static bool is_secret(const char *name)
{
	return strstr(name, "password") != NULL || strstr(name, "secret") != NULL;
}

static struct json_object *typed(struct request *rq, enum err e)
{
	struct json_object *o = json_obj(rq);

	if (e == OK)
		return o;
	json_object_object_foreach (form_values(rq->form), name, value) {
		if (!is_secret(name))
			json_set(o, name, value);
	}
	return o;
}

static const char *host(struct request *rq)
{
	const char *url = rq->app->config->server.public_url;
	const char *h = url ? strstr(url, "://") : NULL;

	return h ? h + 3 : url;
}

static struct json_object *page_data(struct request *rq, struct response *rs,
    enum err e)
{
	struct json_object *page = json_obj(rq);

	set_me(rq, page);
	set_brand(rq, page);
	set_brands(rq, page);
	set_held(rq, page);
	json_set_text(page, "flash", e == OK ? flash_take(rq, rs) : NULL);
	json_set_text(page, "path", rq->path);
	json_set(page, "query", form_values(rq->query));
	json_set(page, "form", typed(rq, e));
	json_set(page, "errors", form_errors(rq->form));
	json_set_text(page, "error", e == OK ? "" : rs->detail);
	json_set_time(page, "now", rq->now);
	json_set_text(page, "section", section(rq));
	json_set(page, "assets", assets(rq->app));
	json_set_text(page, "host", host(rq));
	json_set_text(page, "version", VERSION);
	return page;
}

/* ---- error pages ---- */

static const char *error_title(int status)
{
	switch (status) {
	case 403: return "Not for you";
	case 404: return "Not found";
	case 405: return "Not in this way";
	case 409: return "This does not fit any more";
	case 413: return "Too large";
	case 422: return "Something is missing";
	case 429: return "Too many tries";
	case 431: return "Too long an address or header";
	case 503: return "Busy for a moment";
	case 507: return "The disk is full";
	default: return status >= 500 ? "An error of ours" : "This did not work";
	}
}

static void set_error(struct request *rq, struct response *rs)
{
	struct json_object *o = json_obj(rq);
	/* whoever reads a mail has no account here */
	bool from_mail = text_starts(rq->path, "/t/") || text_starts(rq->path, "/u/");
	bool broken = from_mail && rs->status == 404;

	json_set_int(o, "status", rs->status);
	json_set_text(o, "title",
	    broken ? "This link is damaged" : error_title(rs->status));
	json_set_text(o, "sentence",
	    broken ? "A part of it is missing or was changed on the way. Open it in the"
		     " mail itself, or copy all of it."
		   : rs->detail);
	json_set_bool(o, "from_mail", from_mail);
	json_set_text(o, "request", rs->status >= 500 ? rq->id : "");
	rs->model = o;
	if (!rq->caller)
		access_guess(rq);
	if (rq->caller && rq->caller->user_id && rq->caller->brand)
		rs->page = "error_inside";
}

void page_render(struct request *rq, struct response *rs, enum err e)
{
	struct json_object *data = json_obj(rq), *page;
	struct buf *out = buf_new(rs);
	bool error = text_equal(rs->page, "error");

	if (error)
		set_error(rq, rs);
	if (rs->extra) {
		json_object_object_foreach (rs->extra, name, value)
			json_set(data, name, value);
	}
	if (rs->model)
		json_set(data, "it", rs->model);
	page = page_data(rq, rs, e);
	if (error) { /* the page itself says it */
		json_set_text(page, "error", "");
		json_set(page, "errors", json_obj(rq));
	}
	json_set(data, "page", page);
	if (rq->app->pages &&
	    pages_render(rq->app->pages, rq, rs->page, data, out) == OK)
		rs->body = out;
}
