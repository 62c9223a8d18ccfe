#include "send/check.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/url.h"
#include "repo/field.h"
#include "repo/provider.h"
#include "send/check_parts.h"
#include "service/address.h"
#include "view/html.h"

struct check *check_add(struct making *m, const char *key, enum check_level level)
{
	struct check *k;

	if (m->list->n == CHECKS_MAX)
		return &m->list->items[CHECKS_MAX - 1];
	k = &m->list->items[m->list->n++];
	*k = (struct check){ .key = key,
		.level = level,
		.title = "",
		.todo = "",
		.where = "content" };
	return k;
}

void check_say(struct making *m, const char *key, enum check_level level,
    const char *title, const char *todo)
{
	struct check *k = check_add(m, key, level);

	k->title = title;
	k->todo = todo;
}

/* ---- content ---- */

enum err check_compile(void *mem, const struct check_view *v, const struct campaign *c,
    enum compose_mode mode, struct content **out)
{
	struct compose_source src = { .campaign = c,
		.brand = v->brand,
		.keys = v->keys,
		.public_url = v->public_url,
		.mode = mode,
		.now = v->now };
	struct field *fields;
	enum err e = field_all(v->db, mem, c->brand_id, &fields, &src.nfields);

	if (e != OK)
		return e;
	src.fields = fields;
	e = content_compile(mem, &src, out);
	return e == ERR_INVALID ? OK : e;
}

static const char *part_name(const char *part)
{
	if (strcmp(part, "html") == 0)
		return "HTML";
	if (strcmp(part, "text") == 0)
		return "Text";
	if (strcmp(part, "subject") == 0)
		return "Subject";
	return "Preview text";
}

static bool is_blank(const char *s)
{
	return s[strspn(s, " \t\r\n")] == '\0';
}

/*
 * A problem that points into what the author wrote: not into the text made from the
 * HTML, where the same is found again.  Problems of a whole part are topics of their
 * own.
 */
static bool is_template_problem(const struct campaign *c,
    const struct compose_problem *p)
{
	return p->line > 0 && (strcmp(p->part, "text") != 0 || !is_blank(c->text));
}

static void fill_problem(void *mem, struct check *k, const struct compose_problem *p)
{
	*k = (struct check){
		.key = strcmp(p->part, "subject") == 0 ? "subject" : "tags",
		.level = p->level == PROBLEM_ERROR ? CHECK_BLOCK : CHECK_NOTE,
		.title = mem_printf(mem, "%s, line %d, column %d: %s",
		    part_name(p->part), p->line, p->column, p->text),
		.todo = "",
		.where = "content",
		.part = p->part,
		.line = p->line,
		.column = p->column,
	};
}

enum err campaign_problems(void *mem, const struct check_view *v,
    const struct campaign *c, struct check **out, size_t *n)
{
	const struct compose_problem *p;
	struct content *content;
	size_t i, np;
	enum err e = check_compile(mem, v, c, COMPOSE_PREVIEW, &content);

	*n = 0;
	if (e != OK)
		return e;
	np = content_problems(content, &p);
	*out = mem_array(mem, struct check, np + 1);
	for (i = 0; i < np; i++)
		if (is_template_problem(c, &p[i]))
			fill_problem(mem, &(*out)[(*n)++], &p[i]);
	return OK;
}

static void check_tags(struct making *m)
{
	const struct compose_problem *p;
	size_t i, n = content_problems(m->content, &p), found = 0;

	for (i = 0; i < n; i++) {
		if (!is_template_problem(m->c, &p[i]) || m->list->n >= CHECKS_MAX - 10)
			continue;
		fill_problem(m->mem, check_add(m, "tags", CHECK_NOTE), &p[i]);
		found++;
	}
	if (found == 0)
		check_say(m, "tags", CHECK_GOOD, "Every merge tag can be filled in.",
		    "");
}

static void check_subject(struct making *m)
{
	const char *read = example_subject(m->mem, m->v, m->c, m->content);
	size_t n = text_length(read);

	if (n == 0)
		check_say(m, "subject", CHECK_BLOCK, "The subject is empty.",
		    "Write one.");
	else if (n > SUBJECT_LONG)
		check_say(m, "subject", CHECK_NOTE,
		    mem_printf(m->mem, "The subject has %zu characters.", n),
		    "Phones show about 40 of them.");
	else
		check_say(m, "subject", CHECK_GOOD,
		    mem_printf(m->mem, "Subject: “%s”", read),
		    text_equal(read, m->c->subject) ? ""
						    : "As an example person reads it.");
	if (text_empty(m->c->preview_text))
		check_say(m, "preview_text", CHECK_NOTE, "There is no preview text.",
		    "Inboxes show the first words of the mail instead.");
	else
		check_say(m, "preview_text", CHECK_GOOD, "There is a preview text.",
		    "");
}

/* ---- sender and audience ---- */

/*
 * 1: verified, 0: not, -1: the account has not said. An address is covered by its
 * domain.
 */
static int verified(struct json_object *account, const char *email)
{
	struct json_object *all = json_get(account, "identities");
	const char *domain = strchr(email, '@');
	int found = -1;
	size_t i, n;

	if (!json_object_is_type(all, json_type_array) || domain == NULL)
		return -1;
	n = json_object_array_length(all);
	for (i = 0; i < n; i++) {
		struct json_object *one = json_object_array_get_idx(all, i);
		const char *name = json_text(one, "name", "");

		if (strcasecmp(name, email) != 0 && strcasecmp(name, domain + 1) != 0)
			continue;
		if (json_flag(one, "verified", false))
			return 1;
		found = 0;
	}
	if (found < 0 && json_flag(account, "identities_complete", false))
		return 0;
	return found;
}

static void check_ses_sender(struct making *m, const struct provider_settings *ps,
    const char *email)
{
	struct json_object *account = NULL;
	const char *why;
	struct check *k = check_add(m, "sender", CHECK_GOOD);
	int is = -1;

	k->where = "provider";
	if (text_empty(ps->access_key_id) || ps->secret_len == 0) {
		k->level = CHECK_BLOCK;
		k->title = "Amazon SES is chosen, but its credentials are missing.";
		k->todo = "Enter them in the delivery settings.";
		return;
	}
	if (json_read(m->mem, ps->account_json, strlen(ps->account_json), &account,
		&why) == OK)
		is = verified(account, email);
	if (is == 0) {
		k->level = CHECK_BLOCK;
		k->title = mem_printf(m->mem,
		    "The sender %s is not verified by Amazon.", email);
		k->todo = "Verify the address or its domain in the delivery settings.";
	} else if (is < 0) {
		k->level = CHECK_NOTE;
		k->title = mem_printf(m->mem,
		    "Amazon has not confirmed the sender %s to us.", email);
		k->todo = "If it is not verified there, Amazon refuses every mail.";
	} else {
		k->title =
		    mem_printf(m->mem, "The sender %s is verified by Amazon.", email);
	}
}

static bool is_public(const char *url)
{
	const char *host = url + strlen("https://");

	return text_starts(url, "https://") && strchr(host, '.') &&
	    !text_starts(host, "127.") && !text_starts(host, "localhost");
}

/*
 * Whoever gets the mail must reach our links.  An endpoint on this machine stands in
 * for a provider: nothing leaves.
 */
static void check_public_url(struct making *m, const struct provider_settings *ps)
{
	struct check *k;
	const char *why;
	struct url u;

	if (!text_empty(ps->endpoint) &&
	    url_check(ps->endpoint, true, &u, &why) == OK && u.loopback)
		return;
	if (is_public(m->v->public_url))
		return;
	k = check_add(m, "public_url", CHECK_BLOCK);
	k->where = "";
	k->title = mem_printf(m->mem,
	    "Links in mails would begin with %s, which nobody else can open safely.",
	    m->v->public_url);
	k->todo = "Set public_url in the configuration to the https address of this "
		  "installation.";
}

static enum err check_sender(struct making *m)
{
	const char *email =
	    text_empty(m->c->from_email) ? m->v->brand->from_email : m->c->from_email;
	struct provider_settings *ps;
	struct address a;
	const char *why;
	enum err e;

	if (text_empty(email)) {
		check_say(m, "sender", CHECK_BLOCK, "There is no sender address.",
		    "Enter the address that people know you by.");
		return OK;
	}
	if (address_parse(m->mem, email, &a, &why) != OK) {
		check_say(m, "sender", CHECK_BLOCK,
		    mem_printf(m->mem, "The sender “%s” is not a mail address.", email),
		    why);
		return OK;
	}
	e = provider_settings_get(m->v->db, m->mem, m->c->brand_id, &ps);
	if (e == OK && ps->kind == PROVIDER_SES) {
		check_ses_sender(m, ps, email);
		check_public_url(m, ps);
	} else if (e == OK) {
		check_say(m, "sender", CHECK_GOOD,
		    mem_printf(m->mem,
			"From %s. The outbox keeps the "
			"mails here; none leaves this server.",
			email),
		    "");
	}
	return e;
}

static enum err check_audience(struct making *m)
{
	struct check *k;
	enum err e = campaign_reach(m->v->db, m->c, &m->list->reach);

	if (e != OK)
		return e;
	k = check_add(m, "lists", CHECK_GOOD);
	k->where = "audience";
	if (m->c->nlists == 0 && m->c->audience_kind == AUDIENCE_LISTS) {
		k->level = CHECK_BLOCK;
		k->title = "Nobody is chosen to get this mail.";
		k->todo = "Choose at least one list.";
	} else if (m->list->reach == 0) {
		k->level = CHECK_BLOCK;
		k->title = "Nobody on the chosen lists can be reached.";
		k->todo =
		    "Choose other lists, or add people: only active, unsuppressed "
		    "subscribers count.";
	} else {
		k->title = mem_printf(m->mem, "%s %s would get it now, each once.",
		    text_count(m->mem, m->list->reach),
		    m->list->reach == 1 ? "person" : "people");
	}
	return OK;
}

/* ---- all ---- */

static void check_example(struct making *m)
{
	bool for_none = false;
	const char *why = example_fails(m->mem, m->v, m->c, m->content, &for_none);
	struct check *k;

	if (why == NULL)
		return;
	k = check_add(m, "example", for_none ? CHECK_BLOCK : CHECK_NOTE);
	k->title = mem_printf(m->mem,
	    for_none ? "The mail cannot be made: %s"
		     : "Not everybody's mail can be made: %s",
	    why);
	k->todo = for_none
	    ? "Mend it, then look at the preview."
	    : "Who has no value for a merge tag may get none: add defaults.";
}

static void tally(struct checklist *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		l->blocks += l->items[i].level == CHECK_BLOCK;
		l->notes += l->items[i].level == CHECK_NOTE;
	}
}

enum err campaign_check(void *mem, const struct check_view *v, const struct campaign *c,
    struct checklist *out)
{
	struct making m = { .mem = mem, .v = v, .c = c, .list = out };
	enum err e = check_compile(mem, v, c, COMPOSE_SEND, &m.content);

	memset(out, 0, sizeof(*out));
	out->items = mem_array(mem, struct check, CHECKS_MAX);
	if (e == OK)
		e = check_audience(&m);
	if (e == OK)
		e = check_sender(&m);
	if (e != OK)
		return e;
	check_subject(&m);
	check_tags(&m);
	check_example(&m);
	e = check_mail(&m);
	tally(out);
	return e;
}
