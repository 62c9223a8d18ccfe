#pragma once

#include "db/db.h"

/* Binds ids as the JSON array $n, which a statement takes apart into rows. */
void ids_bind(struct stmt *s, int n, const int64_t *ids, size_t nids);
