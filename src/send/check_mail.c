#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "repo/field.h"
#include "send/check_parts.h"
#include "send/compose_html.h"
#include "send/link.h"
#include "view/html_see.h"

/* The mail of one example person, as a mail reader shows it. */
struct example {
	struct message mail;
	struct html_seen seen;
	const char *leave; /* the address of our page to unsubscribe */
	bool made;
};

struct judging {
	struct making *m;
	struct example all[EXAMPLES];
	struct field *fields;
	size_t nfields;
	size_t made;
};

static const char *const people[EXAMPLES] = {
	"for people with every field filled in",
	"for people without any field filled in",
	"for people with unusual values",
};

static bool is_blank(const char *s)
{
	return s[strspn(s, " \t\r\n")] == '\0';
}

/* ---- what is seen ---- */

static void judge_content(struct judging *j)
{
	struct making *m = j->m;
	int line = 0;
	const char *open = html_unclosed(m->c->html, strlen(m->c->html), &line);
	bool empty = is_blank(m->c->html) && is_blank(m->c->text);

	for (int i = 0; i < EXAMPLES && !empty; i++)
		if (j->all[i].made && !is_blank(m->c->html) &&
		    j->all[i].seen.text[0] == '\0' && j->all[i].seen.pictures == 0)
			empty = true;
	if (open) {
		struct check *k = check_add(m, "html", CHECK_BLOCK);

		k->part = "html";
		k->line = line;
		k->title = mem_printf(m->mem,
		    "HTML, line %d: this %s is never closed, so that mail readers show "
		    "nothing behind it.",
		    line,
		    strcmp(open, "comment") == 0 ? "comment"
						 : mem_printf(m->mem, "<%s>", open));
		k->todo = "Close it.";
	} else if (empty) {
		check_say(m, "html", CHECK_BLOCK, "The mail has no content.",
		    "Write it.");
	}
	if (is_blank(m->c->text))
		check_say(m, "text", CHECK_GOOD,
		    "The text version is made from the HTML.", "");
	else
		check_say(m, "text", CHECK_GOOD, "The text version is your own.",
		    "Keep it in step with the HTML.");
}

static bool has_link(const struct example *x)
{
	for (size_t i = 0; i < x->seen.nlinks; i++)
		if (strcmp(x->seen.links[i], x->leave) == 0)
			return true;
	return false;
}

/* The first example that is made and is not as it must be, or EXAMPLES. */
static int first_bad(const struct judging *j, bool (*good)(const struct example *))
{
	for (int i = 0; i < EXAMPLES; i++)
		if (j->all[i].made && j->all[i].mail.html_len && !good(&j->all[i]))
			return i;
	return EXAMPLES;
}

static bool is_added(const struct content *c, const char *beginning)
{
	const struct compose_problem *p;

	for (size_t n = content_problems(c, &p); n; n--, p++)
		if (p->level == PROBLEM_NOTE && text_starts(p->text, beginning))
			return true;
	return false;
}

static void judge_leave(struct judging *j)
{
	int bad = first_bad(j, has_link);
	struct making *m = j->m;

	if (bad < EXAMPLES)
		check_say(m, "unsubscribe", CHECK_BLOCK,
		    mem_printf(m->mem, "The unsubscribe link cannot be seen %s.",
			people[bad]),
		    "Something in the HTML hides it: look for a tag that is not "
		    "closed.");
	else if (is_added(m->content, "There is no unsubscribe link"))
		check_say(m, "unsubscribe", CHECK_GOOD,
		    "An unsubscribe link will be added at the end, as not everybody "
		    "would "
		    "see one.",
		    "");
	else
		check_say(m, "unsubscribe", CHECK_GOOD, "There is an unsubscribe link.",
		    "");
}

static void judge_address(struct judging *j)
{
	struct making *m = j->m;
	bool hidden = false;

	if (text_empty(m->v->brand->postal_address)) {
		struct check *k = check_add(m, "postal_address", CHECK_NOTE);

		k->title = "The brand has no postal address.";
		k->todo =
		    "Many countries demand one in every marketing mail: add it in the "
		    "brand's settings.";
		k->where = "brand";
		return;
	}
	for (int i = 0; i < EXAMPLES; i++)
		hidden = hidden ||
		    (j->all[i].made && j->all[i].mail.html_len &&
			!content_shows_address(m->content, j->all[i].seen.text));
	if (hidden)
		check_say(m, "postal_address", CHECK_BLOCK,
		    "The postal address cannot be seen.",
		    "Something in the HTML hides it: look for a tag that is not "
		    "closed.");
	else if (is_added(m->content, "The postal address is missing"))
		check_say(m, "postal_address", CHECK_GOOD,
		    "The postal address will be added at the end.", "");
	else
		check_say(m, "postal_address", CHECK_GOOD,
		    "The postal address is in the mail.", "");
}

/* ---- links ---- */

/* Does the link lead somewhere, as a browser reads it? */
static bool leads(const char *url)
{
	while (*url && (unsigned char)*url <= ' ')
		url++;
	return *url != '\0' && strcmp(url, "#") != 0 && link_kind(url) != LINK_RELATIVE;
}

static bool links_lead(const struct example *x)
{
	for (size_t i = 0; i < x->seen.nlinks; i++)
		if (!leads(x->seen.links[i]))
			return false;
	return true;
}

/* Links that the author wrote so that they lead nowhere; true if there are some. */
static bool told_links(struct judging *j)
{
	const struct compose_problem *p;
	size_t n = content_problems(j->m->content, &p), told = 0;

	for (size_t i = 0; i < n && told < 10; i++) {
		struct check *k;

		if (p[i].level != PROBLEM_WARNING || strcmp(p[i].part, "html") != 0 ||
		    (!text_starts(p[i].text, "A link ") &&
			!text_starts(p[i].text, "The link ")))
			continue;
		told++;
		k = check_add(j->m, "links", CHECK_NOTE);
		k->part = "html";
		k->line = p[i].line;
		k->title =
		    mem_printf(j->m->mem, "HTML, line %d: %s", p[i].line, p[i].text);
		k->todo = "Begin it with https://.";
	}
	return told > 0;
}

static void judge_links(struct judging *j)
{
	int bad = first_bad(j, links_lead);
	struct making *m = j->m;
	size_t n = j->all[EXAMPLE_ALL].seen.nlinks;

	if (told_links(j)) /* by line; those of them would be found again */
		return;
	if (bad == EXAMPLES)
		check_say(m, "links", CHECK_GOOD,
		    n == 0 ? "There are no links."
			   : mem_printf(m->mem, "%zu link%s, all whole addresses.", n,
				 n == 1 ? "" : "s"),
		    "");
	else
		check_say(m, "links", bad == EXAMPLE_ALL ? CHECK_BLOCK : CHECK_NOTE,
		    mem_printf(m->mem, "A link leads nowhere %s.", people[bad]),
		    "Give its merge tags a default, or leave the link out without "
		    "one.");
}

/* ---- merge tags ---- */

static size_t word(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || (s[n] && strchr("_.:-", s[n])))
		n++;
	return n;
}

static bool knows(const struct judging *j, const char *s, size_t n)
{
	static const char *const usual[] = { "name", "fname", "lname", "firstname",
		"lastname", "first_name", "last_name", "email", "unsubscribe",
		"unsubscribe_url", "company", "first name", "last name",
		"postal_address" };

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (strlen(usual[i]) == n && strncasecmp(usual[i], s, n) == 0)
			return true;
	for (size_t i = 0; i < j->nfields; i++)
		if (strlen(j->fields[i].key) == n &&
		    strncmp(j->fields[i].key, s, n) == 0)
			return true;
	return false;
}

/* *|NAME|*, %%name%%, [name] and [name,fallback=x], {name}: its bytes, or 0. */
static size_t foreign_tag(const struct judging *j, const char *s)
{
	size_t n;

	if (strncmp(s, "*|", 2) == 0)
		return (n = word(s + 2)) && strncmp(s + 2 + n, "|*", 2) == 0 ? n + 4
									     : 0;
	if (strncmp(s, "%%", 2) == 0)
		return (n = word(s + 2)) && strncmp(s + 2 + n, "%%", 2) == 0 ? n + 4
									     : 0;
	if (*s == '[') {
		n = strcspn(s + 1, "],[");
		if (strncasecmp(s + 1 + n, ",fallback=", 10) == 0)
			return strcspn(s, "]") + 1;
		return s[1 + n] == ']' && knows(j, s + 1, n) ? n + 2 : 0;
	}
	if (*s != '{')
		return 0;
	n = strcspn(s + 1, "}{");
	while (n && s[n] == ' ')
		n--;
	for (s++; *s == ' ' && n; s++)
		n--;
	return knows(j, s, n) ? n + 2 : 0;
}

/* The first of them in a text, or NULL. */
static const char *find_foreign(const struct judging *j, const char *text, size_t *n)
{
	for (const char *s = text; (s = strpbrk(s, "*%[{")); s++)
		if ((*n = foreign_tag(j, s)))
			return s;
	return NULL;
}

/* "{{ first_name }}" that can be read in the finished mail was no tag for us. */
static const char *find_cut(const struct judging *j, const char *text, size_t *n)
{
	for (const char *s = text; (s = strstr(s, "{{")); s += 2) {
		size_t from = 2 + strspn(s + 2, " "), len = word(s + from);

		if (len && knows(j, s + from, len)) {
			*n = from + len;
			return s;
		}
	}
	return NULL;
}

static void judge_foreign(struct judging *j)
{
	const struct example *x = &j->all[EXAMPLE_NONE];
	struct making *m = j->m;
	const char *text = x->made ? x->seen.text : "", *at;
	size_t n = 0;

	at = find_cut(j, text, &n);
	if (at) {
		check_say(m, "foreign_tags", CHECK_NOTE,
		    mem_printf(m->mem, "“%.*s …” is sent as it stands.", (int)n, at),
		    "An editor cut the merge tag in pieces: delete it and type it "
		    "again.");
		return;
	}
	at = find_foreign(j, text, &n);
	for (size_t i = 0; !at && x->made && i < x->seen.nlinks; i++)
		at = find_foreign(j, x->seen.links[i], &n);
	if (!at)
		at = find_foreign(j, m->c->subject, &n);
	if (at)
		check_say(m, "foreign_tags", CHECK_NOTE,
		    mem_printf(m->mem, "“%.*s” is a merge tag of another product.",
			(int)(n > 60 ? 60 : n), at),
		    "It is sent as it stands. Write it as {{ first_name }}, for "
		    "example.");
	else
		check_say(m, "foreign_tags", CHECK_GOOD,
		    "There are no merge tags of other products.", "");
}

/* ---- pictures, scripts, size ---- */

static void judge_images(struct judging *j)
{
	const struct html_seen *s = &j->all[EXAMPLE_ALL].seen;
	struct making *m = j->m;

	if (s->unreachable)
		check_say(m, "images", CHECK_NOTE,
		    s->unreachable == 1
			? "One picture has no address of the web."
			: mem_printf(m->mem, "%zu pictures have no address of the web.",
			      s->unreachable),
		    "Mail readers cannot load it. Begin its address with https://.");
	else if (s->unnamed)
		check_say(m, "images", CHECK_NOTE,
		    s->unnamed == 1
			? "One picture has no text (alt)."
			: mem_printf(m->mem, "%zu pictures have no text (alt).",
			      s->unnamed),
		    "Many people see that text first, or only that. Use alt=\"\" for "
		    "decoration.");
	else
		check_say(m, "images", CHECK_GOOD,
		    "Every picture says in words what it shows.", "");
}

static void judge_scripts(struct judging *j)
{
	const struct html_seen *s = &j->all[EXAMPLE_ALL].seen;

	if (s->scripts || s->forms)
		check_say(j->m, "scripts_forms", CHECK_NOTE,
		    s->scripts ? "There is a script or a frame in the mail."
			       : "There is a form in the mail.",
		    "Mail readers take it out. Link to a page instead.");
	else
		check_say(j->m, "scripts_forms", CHECK_GOOD,
		    "There are no scripts and no forms.", "");
}

static void judge_size(struct judging *j)
{
	struct making *m = j->m;
	size_t most = j->made ? 0 : strlen(m->c->html);

	for (int i = 0; i < EXAMPLES; i++)
		if (j->all[i].made && j->all[i].mail.html_len > most)
			most = j->all[i].mail.html_len;
	m->list->bytes = most;
	if (most > GMAIL_BYTES)
		check_say(m, "size", CHECK_NOTE,
		    mem_printf(m->mem,
			"The HTML is %zu KB; Gmail cuts it off at 102 KB.",
			most / 1024),
		    "The unsubscribe link at the end may be cut off too. Shorten it.");
	else
		check_say(m, "size", CHECK_GOOD,
		    mem_printf(m->mem, "%zu KB of the 102 KB that Gmail shows in full.",
			(most + 1023) / 1024),
		    "");
}

static void compose(struct judging *j)
{
	struct making *m = j->m;
	struct subscriber who[EXAMPLES];
	const char *why;

	example_people(m->mem, m->c->brand_id, j->fields, j->nfields, who);
	for (int i = 0; i < EXAMPLES; i++) {
		struct example *x = &j->all[i];

		x->seen.text = "";
		x->leave = unsubscribe_url(m->mem, m->v->public_url, m->v->keys,
		    m->c->id, who[i].id);
		x->made = content_message(m->content, m->mem, &who[i], &x->mail,
			      &why) == OK &&
		    html_see(m->mem, x->mail.html, x->mail.html_len, &x->seen) == OK;
		j->made += x->made;
	}
}

enum err check_mail(struct making *m)
{
	struct judging j = { .m = m };
	enum err e = field_all(m->v->db, m->mem, m->c->brand_id, &j.fields, &j.nfields);

	if (e != OK)
		return e;
	compose(&j);
	judge_content(&j);
	judge_leave(&j);
	judge_foreign(&j);
	judge_links(&j);
	judge_images(&j);
	judge_scripts(&j);
	judge_address(&j);
	judge_size(&j);
	return OK;
}
