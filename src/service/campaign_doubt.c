#include "repo/ledger_doubt.h"
#include "service/campaign.h"

const char *const doubt_action_words
    [] = { [DOUBT_GIVE_UP] = "give_up", [DOUBT_SEND_AGAIN] = "resend", NULL };

/* Whom it is about: in doubt, when nothing is said. */
static const char *const states[] = { "doubt", "given_up", NULL };

enum err doubt_wish_read(struct form *f, void *mem, struct doubt_wish *out)
{
	int action = form_choice(f, "action", doubt_action_words, -1);
	bool all = form_bool(f, "all", false);

	*out = (struct doubt_wish){ 0 };
	if (action >= 0)
		out->action = (enum doubt_action)action;
	if (action < 0)
		form_fail(f, "action", "Say what to do: resend or give_up.");
	out->given_up = form_choice(f, "state", states, 0) == 1;
	if (out->given_up && out->action == DOUBT_GIVE_UP)
		form_fail(f, "state", "These are given up already.");
	out->n = form_ids(f, mem, "ids", DOUBT_IDS_MAX, &out->ids);
	if (all && out->n)
		form_fail(f, "ids", "Name recipients, or all, not both.");
	if (!all && !out->n)
		form_fail(f, "ids", "Name the recipients, or say all.");
	return form_ok(f) ? OK : ERR_INVALID;
}

enum err campaign_decide(struct db *db, const struct campaign *c,
    const struct doubt_wish *w, int64_t now, int64_t *decided, struct form *f)
{
	struct doubt_choice choice = {
		.campaign = c->id,
		.from = w->given_up ? DELIVERY_GIVEN_UP : DELIVERY_DOUBT,
		.resend = w->action == DOUBT_SEND_AGAIN,
		.ids = w->ids,
		.n = w->n,
		.by = w->by,
		.now = now,
	};
	enum err e = ledger_decide(db, &choice, decided);

	if (e == ERR_CONFLICT)
		form_fail(f, "status",
		    "This campaign was cancelled: nothing of it is sent again.");
	return e;
}
