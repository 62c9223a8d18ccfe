#include "web/signed_out.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/receive.h"
#include "http/router.h"

enum { TYPED_MIN = 16 };

/* Neither what proves who somebody is, nor what the page itself put there. */
static bool worth_keeping(const char *name)
{
	static const char *const not [] = { "csrf", "token", "code", "setup",
		"username" };

	for (size_t i = 0; i < sizeof(not ) / sizeof(*not ); i++)
		if (text_equal(name, not [i]))
			return false;
	return !strstr(name, "password") && !strstr(name, "secret");
}

/*
 * Signed out while writing: what was typed is given back to be kept.  False: there is
 * nothing worth it.
 */
static bool give_back(struct request *rq, struct response *rs)
{
	struct json_object *all = json_arr(rs);

	json_object_object_foreach (form_values(rq->form), name, value) {
		struct json_object *o;

		if (!json_object_is_type(value, json_type_string) ||
		    strlen(json_object_get_string(value)) < TYPED_MIN ||
		    !worth_keeping(name))
			continue;
		o = json_obj(rs);
		json_set_text(o, "name", name);
		json_set(o, "value", value);
		json_push(all, o);
	}
	if (rq->htmx || json_object_array_length(all) == 0)
		return false;
	rs->extra = json_obj(rs);
	json_set(rs->extra, "typed", all);
	json_set_text(rs->extra, "next", url_encode(rs, rq->path));
	rs->page = "session/signed_out";
	return true;
}

enum err respond_signed_out(struct request *rq, struct response *rs)
{
	const char *next = "", *why = NULL;

	if (rq->api)
		return respond_error(rs, ERR_UNAUTHENTICATED,
		    "Send an API key: Authorization: Bearer ml_…");
	/* as much as a stranger may send: what is longer, the browser still has */
	if (rq->method != GET && rq->method != HEAD &&
	    (rq->route->flags & ROUTE_BIG) == 0 && receive_body(rq, &why) == OK &&
	    give_back(rq, rs))
		return ERR_UNAUTHENTICATED;
	if (rq->method == GET && !text_equal(rq->path, "/"))
		next = mem_printf(rq, "?next=%s", url_encode(rq, rq->target));
	rs->location = mem_printf(rs, "/sign-in%s", next);
	return ERR_UNAUTHENTICATED;
}
