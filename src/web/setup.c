#include "web/setup.h"

#include "base/json.h"
#include "base/mem.h"
#include "repo/brand.h"
#include "service/auth.h"
#include "web/access.h"
#include "web/enter.h"

enum err setup_show(struct request *rq, struct response *rs)
{
	enum err e = setup_token_check(rq->db, rq, rq->words[0]);

	if (e == ERR_NOTFOUND)
		return respond_error(rs, e,
		    "This link was used already, or a newer one was printed. Sign in, "
		    "or start the server again for a new link.");
	if (e != OK)
		return e;
	rs->extra = json_obj(rs);
	json_set_text(rs->extra, "token", rq->words[0]);
	return OK;
}

enum err setup_do(struct request *rq, struct response *rs)
{
	struct user *u;
	struct brand *b;
	size_t n;
	enum err e = setup_complete(rq->db, rq, rq->words[0], rq->form, rq->now, &u);

	if (e == ERR_NOTFOUND)
		return setup_show(rq, rs);
	if (e != OK)
		return e;
	e = enter_as(rq, rs, u);
	if (e != OK)
		return e;
	audit(rq, "user.first", u->id, NULL);
	e = brand_list(rq->db, rq, 0, &b, &n);
	if (e != OK)
		return e;
	return respond_seen(rs, NULL, "%s", n > 0 ? "/" : "/brands/new");
}
