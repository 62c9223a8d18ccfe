#pragma once

#include <json-c/json.h>

#include "http/router.h"

/*
 * GET /api/v1/openapi.json: the API in OpenAPI 3.1, made from the route table and the
 * words of openapi_words.c; t/http/openapi.t compares it with what is answered.
 */
handler openapi_show;

/*
 * What the route table does not know of a route.  Shapes are written as names with
 * types: "id:int name:text! created_at:time? lists:[int] counts:Counts note:text~".
 * Types are int, num, text, bool, time, object, any, a shape of openapi_shapes, or one
 * of them in []; ? may be null, ! must be sent, ~ may be left out.
 */
struct openapi_route {
	enum method method;
	const char *pattern, *summary;
	const char *takes; /* of a GET the query, else the body; "" nothing */
	/* a type, "page Type" for {items, next_cursor}, "csv", "html", "mail", "none"
	 */
	const char *gives;
};
extern const struct openapi_route openapi_routes[]; /* ends with a NULL pattern */
/* NULL for a route of pages only. */
const struct openapi_route *openapi_words(const struct route *r);

struct openapi_shape {
	const char *name, *parts;
};
extern const struct openapi_shape openapi_shapes[]; /* ends with a NULL name */
