#include "service/campaign.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "repo/ledger.h"
#include "repo/list.h"
#include "service/address.h"

enum { PLAN_DAYS_MAX = 730, CANCEL_BATCH = 2000 };

#define BIT(status) (1u << (status))

/* ---- what a form may change ---- */

static const char *line_or(struct form *f, const char *name, size_t max,
    const char *old)
{
	return form_has(f, name) ? form_line(f, name, 0, max) : old;
}

static const char *address_or(struct form *f, void *mem, const char *name,
    const char *old)
{
	const char *text, *why;
	struct address a;

	if (!form_has(f, name))
		return old;
	text = form_line(f, name, 0, EMAIL_MAX);
	if (text_empty(text) || form_error(f, name) != NULL)
		return text;
	if (address_parse(mem, text, &a, &why) != OK) {
		form_fail(f, name, "%s", why);
		return text;
	}
	return a.email;
}

static void take_lists(struct form *f, void *mem, struct campaign *c)
{
	int64_t *ids;

	if (form_has(f, "lists")) {
		c->nlists = form_ids(f, mem, "lists", LISTS_MAX, &ids);
		c->lists = ids;
	}
	if (form_has(f, "exclude_lists")) {
		c->nexclude_lists = form_ids(f, mem, "exclude_lists", LISTS_MAX, &ids);
		c->exclude_lists = ids;
	}
}

/*
 * Segments are named by the API already; none can exist yet, so only none can be
 * chosen.
 */
static void refuse_segments(struct form *f, void *mem)
{
	static const char *const names[] = { "segments", "exclude_segments" };
	int64_t *ids;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (form_has(f, names[i]) &&
		    form_ids(f, mem, names[i], LISTS_MAX, &ids) > 0)
			form_fail(f, names[i],
			    "There is no such segment. Choose lists.");
}

static void take_fields(struct form *f, void *mem, struct campaign *c)
{
	if (form_has(f, "name"))
		c->name = form_line(f, "name", 1, CAMPAIGN_NAME_MAX);
	c->subject = line_or(f, "subject", SUBJECT_MAX, c->subject);
	c->preview_text = line_or(f, "preview_text", PREVIEW_MAX, c->preview_text);
	c->from_name = line_or(f, "from_name", FROM_NAME_MAX, c->from_name);
	c->from_email = address_or(f, mem, "from_email", c->from_email);
	c->reply_to = address_or(f, mem, "reply_to", c->reply_to);
	if (form_has(f, "html"))
		c->html = form_body(f, "html", HTML_MAX);
	if (form_has(f, "text"))
		c->text = form_body(f, "text", HTML_MAX);
	c->track_opens = form_bool(f, "track_opens", c->track_opens);
	c->track_clicks = form_bool(f, "track_clicks", c->track_clicks);
	c->on_doubt = (enum doubt_policy)form_choice(f, "on_doubt", doubt_policy_words,
	    (int)c->on_doubt);
	take_lists(f, mem, c);
	refuse_segments(f, mem);
	if (c->audience_kind != AUDIENCE_LISTS && c->nlists + c->nexclude_lists > 0)
		form_fail(f, "lists",
		    "This campaign follows another one, and goes to its people only.");
}

static bool has_id(const int64_t *ids, size_t n, int64_t id)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static enum err check_list(struct db *db, const struct campaign *c, int64_t id,
    const char *field, struct form *f)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "check_list");
	struct list *l;
	enum err e = list_get(db, tmp, c->brand_id, id, &l);

	if (e == ERR_NOTFOUND) {
		form_fail(f, field,
		    "One of the lists is not there any more. Choose again.");
		return OK;
	}
	if (e == OK && has_id(c->lists, c->nlists, id) &&
	    has_id(c->exclude_lists, c->nexclude_lists, id))
		form_fail(f, "exclude_lists",
		    "“%s” is chosen to get the mail and to be left out. "
		    "Choose one of the two.",
		    l->name);
	return e;
}

/* Every list must be the brand's, and on one side only. */
static enum err check_lists(struct db *db, const struct campaign *c, struct form *f)
{
	enum err e = OK;
	size_t i;

	for (i = 0; e == OK && i < c->nlists; i++)
		e = check_list(db, c, c->lists[i], "lists", f);
	for (i = 0; e == OK && i < c->nexclude_lists; i++)
		e = check_list(db, c, c->exclude_lists[i], "exclude_lists", f);
	return e;
}

/* ---- drafts ---- */

enum err campaign_create(struct db *db, const struct brand *b, int64_t user,
    int64_t now, struct form *f, struct campaign **out)
{
	struct campaign *c = mem_new(f, struct campaign);
	enum err e;

	*c = (struct campaign){
		.brand_id = b->id,
		.name = form_line(f, "name", 1, CAMPAIGN_NAME_MAX),
		.subject = "",
		.preview_text = "",
		.html = "",
		.text = "",
		.from_name = b->from_name,
		.from_email = b->from_email,
		.reply_to = b->reply_to,
		.track_opens = true,
		.track_clicks = true,
		.send_zone = "",
		.pause_reason = "",
	};
	take_fields(f, c, c);
	e = check_lists(db, c, f);
	if (e == OK && !form_ok(f))
		e = ERR_INVALID;
	if (e == OK)
		e = campaign_insert(db, c, user, now);
	if (e == OK)
		*out = c;
	return e;
}

/* What to tell who wants to do something with a campaign that is past it. */
static const char *past_sentence(enum campaign_status s)
{
	switch (s) {
	case CAMPAIGN_DRAFT:
		return "This campaign is a draft: it has not been sent yet.";
	case CAMPAIGN_SCHEDULED:
		return "This campaign is scheduled already. Unschedule it to change "
		       "it.";
	case CAMPAIGN_SENDING: return "This campaign is being sent already.";
	case CAMPAIGN_PAUSED: return "This campaign is paused. Resume or cancel it.";
	case CAMPAIGN_COMPLETED:
		return "This campaign was sent already. Duplicate it to send it again.";
	default: return "This campaign was cancelled. Duplicate it to send it again.";
	}
}

static enum err refuse_status(struct form *f, const struct campaign *c)
{
	form_fail(f, "status", "%s", past_sentence(c->status));
	return ERR_CONFLICT;
}

static enum err refuse_version(struct form *f)
{
	form_fail(f, "version",
	    "Somebody else saved this campaign while you were writing. "
	    "Nothing of theirs was overwritten; what you typed is still here.");
	return ERR_CONFLICT;
}

/* Of a campaign that has begun only the content of what is left can change. */
static void refuse_begun(struct form *f, const struct campaign *c)
{
	if (form_has(f, "lists") || form_has(f, "exclude_lists"))
		form_fail(f, "lists",
		    "Sending has begun: the audience is fixed. Only the content of "
		    "what is not yet sent can be changed.");
	if (form_bool(f, "track_opens", c->track_opens) != c->track_opens)
		form_fail(f, "track_opens",
		    "Sending has begun: opens stay as they were.");
	if (form_bool(f, "track_clicks", c->track_clicks) != c->track_clicks)
		form_fail(f, "track_clicks",
		    "Sending has begun: clicks stay as they were.");
}

enum err campaign_change(struct db *db, struct campaign *c, int64_t now, struct form *f)
{
	enum err e;

	if (c->status != CAMPAIGN_DRAFT && c->status != CAMPAIGN_PAUSED)
		return refuse_status(f, c);
	if (form_int(f, "version", 1, INT64_MAX, c->version) != c->version &&
	    form_ok(f))
		return refuse_version(f);
	if (c->status == CAMPAIGN_PAUSED)
		refuse_begun(f, c);
	take_fields(f, c, c);
	e = check_lists(db, c, f);
	if (e == OK && !form_ok(f))
		e = ERR_INVALID;
	if (e == OK)
		e = campaign_update(db, c, now);
	return e == ERR_CONFLICT ? refuse_version(f) : e;
}

/* "Name (copy)", within the limit. */
static const char *copy_name(void *mem, const char *name, const char *suffix)
{
	size_t n = strlen(name);

	while (text_length(name) + strlen(suffix) > CAMPAIGN_NAME_MAX) {
		do
			n--;
		while (n > 0 && (name[n] & 0xc0) == 0x80);
		name = mem_strn(mem, name, n);
	}
	return mem_printf(mem, "%s%s", name, suffix);
}

enum err campaign_copy(struct db *db, void *mem, const struct campaign *c, int64_t user,
    int64_t now, struct campaign **out)
{
	struct campaign *copy = mem_new(mem, struct campaign);
	enum err e;

	*copy = *c;
	copy->name = copy_name(copy, c->name,
	    c->audience_kind == AUDIENCE_UNOPENED     ? " (not opened)"
		: c->audience_kind == AUDIENCE_UNSENT ? " (not sent)"
						      : " (copy)");
	copy->status = CAMPAIGN_DRAFT;
	copy->resume_at = copy->resends = 0;
	copy->send_at = copy->audience = copy->freeze_after = 0;
	copy->frozen_at = copy->started_at = copy->finished_at = 0;
	copy->pause_reason = copy->send_zone = "";
	e = campaign_insert(db, copy, user, now);
	if (e == OK)
		*out = copy;
	return e;
}

enum err campaign_follow(struct db *db, const struct campaign *c,
    const struct campaign_follower *w, int64_t now, struct campaign **out,
    struct form *f)
{
	struct campaign parent = *c;

	if (w->kind == AUDIENCE_LISTS)
		return form_fail(f, "audience", "Choose one of: unopened, unsent.");
	if (c->status != CAMPAIGN_CANCELLED &&
	    (w->kind == AUDIENCE_UNSENT || c->status != CAMPAIGN_COMPLETED)) {
		form_fail(f, "status",
		    w->kind == AUDIENCE_UNSENT
			? "Only a cancelled campaign leaves people unsent."
			: "Wait until this campaign is sent or cancelled.");
		return ERR_CONFLICT;
	}
	parent.parent_id = c->id;
	parent.audience_kind = w->kind;
	parent.nlists = parent.nexclude_lists = 0;
	return campaign_copy(db, f, &parent, w->user, now, out);
}

enum err campaign_remove(struct db *db, struct campaign *c, struct form *f)
{
	enum err e = campaign_delete(db, c->brand_id, c->id);

	if (e != ERR_CONFLICT)
		return e;
	form_fail(f, "status",
	    "Only a draft can be deleted. What was sent stays, with its report.");
	return ERR_CONFLICT;
}

/* ---- the state machine ---- */

/* Moves and reads again; a quicker hand elsewhere gives its own sentence. */
static enum err move(struct db *db, struct campaign *c,
    const struct campaign_step *step, int64_t now, struct form *f)
{
	enum err e = campaign_move(db, c->brand_id, c->id, step, now);
	enum err again;
	struct campaign *fresh;

	if (e != OK && e != ERR_CONFLICT)
		return e;
	again = campaign_get(db, c, c->brand_id, c->id, &fresh);
	if (again != OK)
		return again;
	*c = *fresh;
	return e == OK ? OK : refuse_status(f, c);
}

/* Every blocking finding as the error of its field. */
static enum err refuse_blocks(struct form *f, const struct checklist *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->items[i].level == CHECK_BLOCK)
			form_fail(f, l->items[i].key, "%s%s%s", l->items[i].title,
			    text_empty(l->items[i].todo) ? "" : " ", l->items[i].todo);
	return ERR_INVALID;
}

enum err campaign_send(struct db *db, struct campaign *c, const struct checklist *l,
    int64_t now, struct form *f)
{
	struct campaign_step step = { .from = BIT(CAMPAIGN_DRAFT),
		.to = CAMPAIGN_SENDING,
		.send_at = now,
		.zone = "" };

	if (c->status != CAMPAIGN_DRAFT)
		return refuse_status(f, c);
	if (l->blocks > 0)
		return refuse_blocks(f, l);
	return move(db, c, &step, now, f);
}

enum err campaign_plan(struct db *db, struct campaign *c, const struct checklist *l,
    const struct campaign_time *when, int64_t now, struct form *f)
{
	struct campaign_step step = { .from = BIT(CAMPAIGN_DRAFT),
		.to = CAMPAIGN_SCHEDULED,
		.send_at = when->at,
		.zone = when->zone };

	if (c->status != CAMPAIGN_DRAFT)
		return refuse_status(f, c);
	if (!form_ok(f))
		return ERR_INVALID;
	if (when->at == 0)
		return form_fail(f, "send_at", "Choose a day and a time.");
	if (when->at <= now)
		return form_fail(f, "send_at", "Choose a time in the future.");
	if (when->at > now + (int64_t)PLAN_DAYS_MAX * 86400000)
		return form_fail(f, "send_at",
		    "Choose a time within the next two years.");
	if (l->blocks > 0)
		return refuse_blocks(f, l);
	return move(db, c, &step, now, f);
}

enum err campaign_pause(struct db *db, struct campaign *c, const char *reason,
    int64_t now, struct form *f)
{
	struct campaign_step step = { .from = BIT(CAMPAIGN_SENDING),
		.to = CAMPAIGN_PAUSED,
		.reason = reason,
		.send_at = -1 };

	/* One that would go on by itself can be kept from it. */
	if (c->status == CAMPAIGN_PAUSED && c->resume_at)
		step.from = BIT(CAMPAIGN_PAUSED);
	else if (c->status != CAMPAIGN_SENDING)
		return refuse_status(f, c);
	return move(db, c, &step, now, f);
}

enum err campaign_resume(struct db *db, struct campaign *c, int64_t now, struct form *f)
{
	struct campaign_step step = { .from = BIT(CAMPAIGN_PAUSED),
		.to = CAMPAIGN_SENDING,
		.send_at = -1 };

	if (c->status != CAMPAIGN_PAUSED)
		return refuse_status(f, c);
	return move(db, c, &step, now, f);
}

enum err campaign_cancel(struct db *db, struct campaign *c, int64_t now, struct form *f)
{
	struct campaign_step back = { .from = BIT(CAMPAIGN_SCHEDULED),
		.to = CAMPAIGN_DRAFT };
	struct campaign_step stop = { .from =
					  BIT(CAMPAIGN_SENDING) | BIT(CAMPAIGN_PAUSED),
		.to = CAMPAIGN_CANCELLED,
		.send_at = -1 };
	int64_t left;
	enum err e;

	if (c->status == CAMPAIGN_SCHEDULED)
		return move(db, c, &back, now, f);
	if (c->status != CAMPAIGN_SENDING && c->status != CAMPAIGN_PAUSED)
		return refuse_status(f, c);
	e = move(db, c, &stop, now, f);
	/* the rest by triggers, a little at a time */
	if (e == OK)
		e = ledger_cancel_open(db, c->id, CANCEL_BATCH, now, &left);
	return e;
}
