#pragma once

#include <json-c/json.h>

/*
 * A Cookie header as {name: value}.  Of a repeated name the first counts (browsers send
 * the most specific path first).  Values with controls or bytes that are no UTF-8, and
 * anything past 64 cookies, are left out.  header may be NULL.
 */
struct json_object *cookie_read(void *mem, const char *header);
