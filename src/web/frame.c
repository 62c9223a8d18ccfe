#include "web/frame.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"

static const char policy[] =
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src "
    "* data:; "
    "style-src 'unsafe-inline'; font-src * data:; frame-ancestors 'self'";

/* Behind the opening tag `name` (or a doctype), or 0. */
static size_t behind(const char *html, const char *name)
{
	const char *at = strcasestr(html, name);
	const char *end = at != NULL ? strchr(at, '>') : NULL;

	return end != NULL ? (size_t)(end + 1 - html) : 0;
}

/*
 * In the head where there is one; never before the doctype, which would change the
 * layout.
 */
static size_t base_place(const char *html)
{
	size_t at = behind(html, "<head");

	if (at == 0)
		at = behind(html, "<html");
	return at != 0 ? at : behind(html, "<!doctype");
}

enum err respond_frame(struct response *rs, const char *html)
{
	size_t at = base_place(html);
	char *body =
	    mem_printf(rs, "%.*s<base target=\"_blank\">%s", (int)at, html, html + at);

	response_header(rs, "Content-Security-Policy", "%s", policy);
	return respond_body(rs, "text/html; charset=utf-8", body, strlen(body));
}

enum err respond_frame_text(struct response *rs, const char *text)
{
	response_header(rs, "Content-Security-Policy", "%s", policy);
	return respond_body(rs, "text/plain; charset=utf-8", text, strlen(text));
}
