#include "web/takes.h"

#include "base/mem.h"
#include "base/text.h"
#include "web/openapi.h"

/*
 * What pages send and the API does not take: fields of routes that are pages only, and
 * names of buttons and of the browser's own ("username" tells its password store whose
 * password this is).  t/http/fields.t compares them with the forms of all pages.
 */
/* clang-format off */
static const struct {
	enum method method;
	const char *pattern, *takes;
} pages[] = {
	{ POST,   "/setup/{*}", "name email password" },
	{ POST,   "/sign-in", "email password next" },
	{ POST,   "/sign-in/code", "code" },
	{ POST,   "/invitations/{*}", "name password" },
	{ POST,   "/forgot", "email" },
	{ POST,   "/reset/{*}", "username password" },
	{ PATCH,  "/account", "name" },
	{ POST,   "/account/password", "username current_password password" },
	{ POST,   "/account/second-factor", "setup code current_password" },
	{ DELETE, "/account/second-factor", "code current_password" },
	{ POST,   "/account/recovery-codes", "current_password" },
	{ POST,   "/account/link", "username current_password" },
	{ POST,   "/installation/test", "system_brand" },
	{ POST,   "/brands/{}/keys", "expires_on" },
	{ POST,   "/brands/{}/imports/{}/start", "map say leave_status" },
	{ PATCH,  "/brands/{}/campaigns/{}", "next show as" },
};
/* clang-format on */

static const char *of_page(const struct route *r)
{
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		if (pages[i].method == r->method &&
		    text_equal(pages[i].pattern, r->pattern))
			return pages[i].takes;
	return "";
}

const char *web_takes(struct request *rq, const char **silent)
{
	const struct route *r = rq->route;
	const struct openapi_route *w = openapi_words(r);
	const char *words = w ? w->takes : "";

	if (r->flags & ROUTE_RAW)
		return NULL;
	*silent = "csrf";
	return rq->api ? words : mem_printf(rq, "%s %s", words, of_page(r));
}
