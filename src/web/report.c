#include "web/report.h"

#include "repo/campaign.h"
#include "service/report.h"

enum err report_show(struct request *rq, struct response *rs)
{
	struct campaign *c;
	struct json_object *o = NULL;
	enum err e = campaign_get(rq->db, rq, rq->args[0], rq->args[1], &c);

	if (e == OK)
		e = report_json(rq->db, rs, c, &o);
	return e == OK ? respond(rs, o) : e;
}
