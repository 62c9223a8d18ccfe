#include "web/export.h"

#include "app.h"
#include "base/mem.h"
#include "model/brand.h"
#include "model/user.h"

enum { AT_ONCE = 2, RETRY_S = 15 };

enum err export_begin(struct request *rq, struct response *rs, struct slot *slot)
{
	const struct brand *b = rq->caller->brand;
	const char *name = mem_printf(rq, "export-%lld", b ? (long long)b->id : 0LL);

	if (slot_try(rq->app->config->server.state_dir, name, AT_ONCE, slot))
		return OK;
	rs->retry_after = RETRY_S;
	return respond_error(rs, ERR_LIMITED,
	    "%d exports are being made already. Wait until one is done.", AT_ONCE);
}
