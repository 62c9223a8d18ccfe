#pragma once

#include "http/router.h"
#include "repo/import.h"

/* The page that asks which column is what, with what follows from the choice so far. */
enum err import_map_page(struct request *rq, struct response *rs,
    struct import *i) MUST_CHECK;
/* What a file may be encoded in: [{value, label}]. */
struct json_object *import_encodings(void *mem);
