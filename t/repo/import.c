#include "repo/import.h"

#include "base/mem.h"
#include "dbtest.h"
#include "tap.h"

/* Which import `owner` gets at `now`, for 100 ms; 0: none. */
static int64_t lease(struct dbtest *t, const char *owner, int64_t now)
{
	struct import *i;

	return import_lease(t->db, t->mem, owner, now, now + 100, &i) == OK ? i->id : 0;
}

static void test(struct dbtest *t)
{
	dbtest_script(t->db,
	    "INSERT INTO brands (id, name, hook_token, created_at, updated_at)"
	    " VALUES (1, 'B', 'h1', 1, 1), (2, 'C', 'h2', 1, 1);"
	    "INSERT INTO imports (id, brand_id, file_name, state, size, existing,"
	    "  created_at) VALUES (1, 1, 'done', 'done', 1, 'update', 1),"
	    "  (2, 1, 'a', 'waiting', 1, 'update', 1),"
	    "  (3, 1, 'b', 'waiting', 1, 'update', 1),"
	    "  (4, 2, 'c', 'waiting', 1, 'update', 1),"
	    "  (5, 2, 'd', 'mapping', 1, 'update', 1)");
	is_int(lease(t, "ann", 1000), 2, "import_lease gives the oldest that waits");
	is_int(lease(t, "ben", 1001), 4, "then that of another brand");
	is_int(lease(t, "cleo", 1002), 0,
	    "but no second one of a brand, nor one that is not started");
	is_int(lease(t, "cleo", 1101), 2, "one that was left is taken over");
	dbtest_script(t->db, "UPDATE imports SET state = 'done' WHERE id = 2");
	is_int(lease(t, "ann", 1102), 3,
	    "the next of a brand follows when one is done");
	is_int(lease(t, "ben", 1103), 4, "and what was left in another brand is next");
}

int main(void)
{
	dbtest_run(test);
	return done_testing();
}
