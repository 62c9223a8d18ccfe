#pragma once

#include <json-c/json.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"

/*
 * Compiled templates of <share>/templates, kept per process; looked at again when
 * `reload`.
 */
struct pages;

struct pages *pages_new(void *mem, const char *dir, bool reload, const struct log *lg);
/* Renders templates/<name>.html with data. Logs the error with line and column. */
enum err pages_render(struct pages *p, void *mem, const char *name,
    struct json_object *data, struct buf *out) MUST_CHECK;
/* Compiles every template: bad ones stop the start. */
enum err pages_check(struct pages *p, void *mem, const char **why) MUST_CHECK;
