#include "web/openapi.h"

#include <string.h>

#include "app.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "web/access.h"
#include "web/routes.h"

/* ---- shapes ---- */

static struct json_object *ref(void *mem, const char *name)
{
	return json_set_text(json_obj(mem), "$ref",
	    mem_printf(mem, "#/components/schemas/%s", name));
}

/* The schema of "int", "[List]" ... */
static struct json_object *type_schema(void *mem, const char *type)
{
	static const struct {
		const char *word, *type, *format;
	} plain[] = { { "int", "integer", NULL }, { "num", "number", NULL },
		{ "text", "string", NULL }, { "bool", "boolean", NULL },
		{ "time", "string", "date-time" }, { "file", "string", "binary" },
		{ "object", "object", NULL } };
	struct json_object *o = json_obj(mem);
	size_t n = strlen(type);

	if (type[0] == '[') {
		json_set_text(o, "type", "array");
		return json_set(o, "items",
		    type_schema(mem, mem_strn(mem, type + 1, n - 2)));
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		if (!text_equal(plain[i].word, type))
			continue;
		json_set_text(o, "type", plain[i].type);
		if (plain[i].format)
			json_set_text(o, "format", plain[i].format);
		return o;
	}
	return ref(mem, type);
}

/* The same or null. */
static struct json_object *or_null(void *mem, struct json_object *schema)
{
	struct json_object *both = json_arr(mem), *type = json_get(schema, "type");

	if (type) {
		json_push_text(both, json_object_get_string(type));
		json_push_text(both, "null");
		return json_set(schema, "type", both);
	}
	json_push(both, schema);
	json_push(both, json_set_text(json_obj(mem), "type", "null"));
	return json_set(json_obj(mem), "anyOf", both);
}

/* One "name:type?" of a shape: takes it off *parts.  False at the end. */
struct part {
	const char *name, *type;
	bool null, must, may;
};

static bool next_part(void *mem, const char **parts, struct part *p)
{
	const char *s = *parts + strspn(*parts, " ");
	size_t n = strcspn(s, " "), name = strcspn(s, ":"), end = n;

	if (*s == '\0')
		return false;
	*p = (struct part){ .name = mem_strn(mem, s, name) };
	for (; end > name && strchr("?!~", s[end - 1]); end--) {
		p->null |= s[end - 1] == '?';
		p->must |= s[end - 1] == '!';
		p->may |= s[end - 1] == '~';
	}
	p->type = mem_strn(mem, s + name + 1, end - name - 1);
	*parts = s + n;
	return true;
}

/* answer: all parts are there but those with ~; else only those with ! are. */
static struct json_object *shape_schema(void *mem, const char *parts, bool answer)
{
	struct json_object *o = json_obj(mem), *all = json_obj(mem),
			   *must = json_arr(mem);
	struct part p;

	while (next_part(mem, &parts, &p)) {
		struct json_object *s = type_schema(mem, p.type);

		json_set(all, p.name, p.null ? or_null(mem, s) : s);
		if (answer ? !p.may : p.must)
			json_push_text(must, p.name);
	}
	json_set_text(o, "type", "object");
	json_set(o, "properties", all);
	if (json_object_array_length(must) > 0)
		json_set(o, "required", must);
	return o;
}

/* ---- one route ---- */

static struct json_object *parameter(void *mem, const char *name, const char *in,
    const char *type)
{
	struct json_object *o = json_obj(mem);

	json_set_text(o, "name", name);
	json_set_text(o, "in", in);
	json_set_bool(o, "required", text_equal(in, "path"));
	return json_set(o, "schema", type_schema(mem, type));
}

/* "/brands/{}/lists/{}" becomes "/brands/{brand}/lists/{list}". */
static const char *path_of(void *mem, const char *pattern, struct json_object *params)
{
	struct buf *b = buf_new(mem);
	const char *p = pattern, *word = "";

	while (*p) {
		size_t n = strcspn(p + 1, "/");
		const char *part = mem_strn(mem, p + 1, n);

		if (text_equal(part, "{}")) {
			part = mem_strn(mem, word, strlen(word) - 1);
			if (text_equal(word, "outbox"))
				part = "mail";
			json_push(params, parameter(mem, part, "path", "int"));
			buf_printf(b, "/{%s}", part);
		} else {
			buf_printf(b, "/%s", part);
			word = part;
		}
		p += n + 1;
	}
	return b->data;
}

static struct json_object *content(void *mem, const char *type,
    struct json_object *schema)
{
	return json_set(json_obj(mem), type, json_set(json_obj(mem), "schema", schema));
}

static struct json_object *answer_content(void *mem, const char *gives)
{
	struct json_object *text = type_schema(mem, "text"), *page;

	if (text_equal(gives, "csv"))
		return content(mem, "text/csv", text);
	if (text_equal(gives, "html"))
		return content(mem, "text/html", text);
	if (text_equal(gives, "mail"))
		return content(mem, "message/rfc822", text);
	if (!text_starts(gives, "page "))
		return content(mem, "application/json", type_schema(mem, gives));
	page = shape_schema(mem,
	    mem_printf(mem, "items:[%s] next_cursor:text?", gives + 5), true);
	return content(mem, "application/json", page);
}

static struct json_object *answers(void *mem, const struct openapi_route *w)
{
	struct json_object *all = json_obj(mem), *good = json_obj(mem),
			   *bad = json_obj(mem);
	bool none = text_equal(w->gives, "none");

	json_set_text(good, "description", none ? "Done" : w->summary);
	if (!none)
		json_set(good, "content", answer_content(mem, w->gives));
	json_set_text(bad, "description", "It did not work");
	json_set(bad, "content",
	    content(mem, "application/problem+json", ref(mem, "Problem")));
	json_set(all, none ? "204" : "2XX", good);
	return json_set(all, "default", bad);
}

static void set_takes(void *mem, struct json_object *op, struct json_object *params,
    const struct openapi_route *w)
{
	const char *parts = w->takes;
	bool file = strstr(parts, ":file") != NULL;
	struct part p;

	if (w->method != GET && *parts)
		json_set(op, "requestBody",
		    json_set(json_obj(mem), "content",
			content(mem, file ? "multipart/form-data" : "application/json",
			    shape_schema(mem, parts, false))));
	while (w->method == GET && next_part(mem, &parts, &p))
		json_push(params, parameter(mem, p.name, "query", p.type));
}

static const char *tag_of(void *mem, const char *pattern)
{
	const char *p =
	    text_starts(pattern, "/brands/{}/") ? pattern + 11 : pattern + 1;

	return mem_strn(mem, p, strcspn(p, "/."));
}

static void put_route(void *mem, struct json_object *paths, const struct route *r,
    const struct openapi_route *w)
{
	struct json_object *op = json_obj(mem), *params = json_arr(mem),
			   *tags = json_arr(mem), *path;
	const char *name = path_of(mem, r->pattern, params);
	const char *method = text_lower(mem, method_name(r->method));

	set_takes(mem, op, params, w);
	json_push_text(tags, tag_of(mem, r->pattern));
	json_set_text(op, "operationId", mem_printf(mem, "%s %s", method, name));
	json_set_text(op, "summary", w->summary);
	json_set_text(op, "description", access_words(mem, r));
	json_set(op, "tags", tags);
	json_set(op, "parameters", params);
	json_set(op, "responses", answers(mem, w));
	if (r->access == ACCESS_PUBLIC)
		json_set(op, "security", json_arr(mem));
	path = json_get(paths, name);
	if (!path) {
		path = json_obj(mem);
		json_set(paths, name, path);
	}
	json_set(path, method, op);
}

/* ---- all of it ---- */

const struct openapi_route *openapi_words(const struct route *r)
{
	const struct openapi_route *w = openapi_routes;

	while (w->pattern &&
	    (w->method != r->method || !text_equal(w->pattern, r->pattern)))
		w++;
	return w->pattern ? w : NULL;
}

static struct json_object *all_paths(void *mem)
{
	struct json_object *paths = json_obj(mem);

	for (size_t i = 0; i < route_count; i++) {
		const struct route *r = &routes[i];
		const struct openapi_route *w = openapi_words(r);

		if (w && !(r->flags & (ROUTE_PAGE_ONLY | ROUTE_RAW)))
			put_route(mem, paths, r, w);
	}
	return paths;
}

static struct json_object *components(void *mem)
{
	struct json_object *o = json_obj(mem), *schemas = json_obj(mem),
			   *key = json_obj(mem);

	for (const struct openapi_shape *s = openapi_shapes; s->name; s++)
		json_set(schemas, s->name, shape_schema(mem, s->parts, true));
	json_set_text(key, "type", "http");
	json_set_text(key, "scheme", "bearer");
	json_set_text(key, "description", "An API key, or a token of Supabase Auth");
	json_set(o, "schemas", schemas);
	return json_set(o, "securitySchemes", json_set(json_obj(mem), "key", key));
}

enum err openapi_show(struct request *rq, struct response *rs)
{
	struct json_object *o = json_obj(rs), *info = json_obj(rs),
			   *servers = json_arr(rs), *security = json_arr(rs);

	json_set_text(info, "title", "Maillayer");
	json_set_text(info, "version", VERSION);
	json_push(servers,
	    json_set_text(json_obj(rs), "url",
		mem_printf(rs, "%s/api/v1", rq->app->config->server.public_url)));
	json_push(security, json_set(json_obj(rs), "key", json_arr(rs)));
	json_set_text(o, "openapi", "3.1.0");
	json_set(o, "info", info);
	json_set(o, "servers", servers);
	json_set(o, "security", security);
	json_set(o, "paths", all_paths(rs));
	json_set(o, "components", components(rs));
	return respond(rs, o);
}
