#include "web/compose.h"

#include "app.h"
#include "base/mem.h"
#include "base/text.h"
#include "send/provider.h"
#include "web/access.h"
#include "web/campaign.h"

/* A draft leaves, now or at a time: the last step of writing one. */

/*
 * Before mail really leaves, what Amazon says of the account is made fresh where it is
 * old: the checklist reads it.  Without an answer it reads what there is.
 */
static void refresh_account(struct request *rq)
{
	struct provider *p;
	const char *why = "";

	if (provider_open(rq, rq->app, rq->caller->brand, "campaign", &p, &why) != OK)
		log_info(&rq->log, "campaign.provider", LOG_STR("why", why));
}

/*
 * The campaign and its checklist; then a transaction, so that the campaign does not
 * leave without its line in the audit log.
 */
static enum err begin(struct request *rq, struct response *rs, struct campaign **c,
    struct checklist *list, struct tx *tx)
{
	struct check_view v = campaign_view(rq);
	enum err e = campaign_find(rq, c);

	if (e == OK && (*c)->status == CAMPAIGN_DRAFT)
		refresh_account(rq);
	if (e == OK)
		e = campaign_check(rs, &v, *c, list);
	return e == OK ? tx_begin(rq->db, tx) : e;
}

enum err compose_send(struct request *rq, struct response *rs)
{
	TX_SCOPE tx = { 0 };
	struct checklist list;
	struct campaign *c;
	enum err e = begin(rq, rs, &c, &list, &tx);

	if (e == OK)
		e = campaign_refuse(rq, rs, c,
		    campaign_send(rq->db, c, &list, rq->now, rq->form));
	if (e != OK || rs->location != NULL)
		return e;
	log_info(&rq->log, "campaign.send", LOG_INT("campaign", c->id),
	    LOG_INT("reach", list.reach));
	audit_name(rq, "campaign.send", c->id, c->name);
	e = tx_commit(&tx);
	return e == OK ? campaign_answer(rq, rs, c, "") : e;
}

/* The zone of the form where one is given and known, else the brand's. */
static const char *zone_of(struct request *rq)
{
	const char *zone = form_line(rq->form, "zone", 0, 60);

	if (text_empty(zone))
		return rq->caller->brand->time_zone;
	if (!zone_exists(zone)) {
		form_fail(rq->form, "zone",
		    "There is no time zone “%s”. Use a name such as "
		    "Europe/Berlin.",
		    zone);
		return rq->caller->brand->time_zone;
	}
	return zone;
}

enum err compose_schedule(struct request *rq, struct response *rs)
{
	TX_SCOPE tx = { 0 };
	struct campaign_time when = { .zone = zone_of(rq) };
	struct checklist list;
	struct campaign *c;
	enum err e;

	when.at = form_time(rq->form, "send_at", when.zone);
	e = begin(rq, rs, &c, &list, &tx);
	if (e == OK)
		e = campaign_refuse(rq, rs, c,
		    campaign_plan(rq->db, c, &list, &when, rq->now, rq->form));
	if (e != OK || rs->location != NULL)
		return e;
	audit_name(rq, "campaign.schedule", c->id, c->name);
	e = tx_commit(&tx);
	if (e != OK)
		return e;
	respond_flash(rs, "Scheduled for %s, %s time.",
	    time_local(rs, when.at, when.zone, "%A %e %B, %H:%M"), when.zone);
	return campaign_answer(rq, rs, c, "");
}
