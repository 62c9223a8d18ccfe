#include "send/check.h"

#include <string.h>

#include "base/mem.h"
#include "dbtest.h"
#include "repo/brand.h"
#include "tap.h"

static const char world[] =
    "INSERT INTO brands (id, name, from_email, postal_address, hook_token, created_at, "
    "updated_at)"
    " VALUES (1, 'One', 'one@x.de', 'Street 1', 'h1', 1, 1);"
    "INSERT INTO providers (brand_id, updated_at) VALUES (1, 1);"
    "INSERT INTO lists (id, brand_id, name, created_at, updated_at) VALUES (1, 1, "
    "'News', 1, 1),"
    " (2, 1, 'Empty', 1, 1);"
    "INSERT INTO subscribers (id, brand_id, email, email_key, status, created_at, "
    "updated_at)"
    " VALUES (1, 1, 'a@x.de', 'a@x.de', 'active', 1, 1);"
    "INSERT INTO list_subscribers (list_id, subscriber_id, created_at) VALUES (1, 1, "
    "1);"
    "INSERT INTO fields (id, brand_id, key, label, type, created_at) VALUES"
    " (1, 1, 'town', 'Town', 'text', 1);";

static const struct keyring keys;
static const char *public_url = "https://m.de";
static int64_t list_news = 1, list_empty = 2;

static struct campaign ready(void)
{
	return (struct campaign){
		.id = 1,
		.brand_id = 1,
		.name = "N",
		.subject = "Hello",
		.preview_text = "p",
		.html = "<p>Hi {{ first_name }} in {{ town }}</p><img alt=\"\" "
			"src=\"https://x.de/a.png\">"
			"<a href=\"https://x.de\">x</a><a href=\"{{ unsubscribe_url "
			"}}\">u</a>",
		.text = "",
		.from_name = "",
		.from_email = "one@x.de",
		.reply_to = "",
		.lists = &list_news,
		.nlists = 1,
	};
}

static struct check_view look(struct dbtest *t)
{
	struct check_view v = { .db = t->db,
		.keys = &keys,
		.public_url = public_url,
		.now = 5 };
	struct brand *b;

	if (brand_get(t->db, t->mem, 1, &b) == OK)
		v.brand = b;
	return v;
}

/* The worst finding under a key; NULL if there is none. */
static const struct check *found(struct dbtest *t, const struct campaign *c,
    const char *key)
{
	struct checklist *l = mem_new(t->mem, struct checklist);
	struct check_view v = look(t);
	const struct check *worst = NULL;
	size_t i;

	if (campaign_check(t->mem, &v, c, l) != OK)
		return NULL;
	for (i = 0; i < l->n; i++)
		if (strcmp(l->items[i].key, key) == 0 &&
		    (worst == NULL || l->items[i].level > worst->level))
			worst = &l->items[i];
	return worst;
}

static int level(struct dbtest *t, const struct campaign *c, const char *key)
{
	const struct check *k = found(t, c, key);

	return k != NULL ? (int)k->level : -1;
}

static void test_good(struct dbtest *t)
{
	struct campaign c = ready();
	struct check_view v;
	struct checklist l;

	dbtest_script(t->db, world);
	v = look(t);
	is_int(campaign_check(t->mem, &v, &c, &l), OK, "campaign_check looks");
	is_int((int64_t)l.blocks, 0, "finds nothing that blocks");
	is_int((int64_t)l.notes, 0, "nor anything to look at");
	is_int(l.reach, 1, "and one person to send to");
	ok(l.bytes > strlen(c.html), "and weighs the mail as it would leave");
}

static void test_blocks(struct dbtest *t)
{
	struct campaign c = ready();

	dbtest_script(t->db, world);
	c.subject = "";
	is_int(level(t, &c, "subject"), CHECK_BLOCK, "an empty subject blocks");
	c = ready();
	c.nlists = 0;
	is_int(level(t, &c, "lists"), CHECK_BLOCK, "no list blocks");
	c.lists = &list_empty;
	c.nlists = 1;
	is_int(level(t, &c, "lists"), CHECK_BLOCK, "a list without people blocks");
	c = ready();
	c.from_email = "nobody";
	is_int(level(t, &c, "sender"), CHECK_BLOCK,
	    "a sender that is no address blocks");
	c = ready();
	c.html = " \n";
	is_int(level(t, &c, "html"), CHECK_BLOCK, "an empty mail blocks");
	c = ready();
	c.html = "<p>one</p>\n<p>{{ first_name </p>";
	is_int(level(t, &c, "tags"), CHECK_BLOCK,
	    "a merge tag that is not closed blocks");
	is_int(found(t, &c, "tags")->line, 2, "with its line");
	ok(found(t, &c, "tags")->column > 0, "and column");
	c = ready();
	c.subject = "{{ nothing }}";
	is_int(level(t, &c, "example"), CHECK_BLOCK,
	    "a subject that is empty for everybody blocks");
	c = ready();
	c.subject = "{% if %}";
	is_int(level(t, &c, "subject"), CHECK_BLOCK,
	    "a broken tag in the subject blocks");
}

static void test_notes(struct dbtest *t)
{
	struct campaign c = ready();
	char *big = mem_zero(t->mem, 130 * 1024, "big");

	dbtest_script(t->db, world);
	c.html = "<p>{{ first_nam }}</p>";
	is_int(level(t, &c, "tags"), CHECK_NOTE, "an unknown field is worth a look");
	ok(strstr(found(t, &c, "tags")->title, "first_name") != NULL,
	    "and the one meant is named");
	c.html = "<img src=\"https://x.de/a.png\">";
	is_int(level(t, &c, "images"), CHECK_NOTE,
	    "a picture without alt is worth a look");
	is_int(level(t, &c, "unsubscribe"), CHECK_GOOD,
	    "a missing unsubscribe link is added");
	c.html = "<a href=\"x.de\">x</a>";
	is_int(level(t, &c, "links"), CHECK_NOTE,
	    "a link without https:// is worth a look");
	memset(big, 'x', 130 * 1024 - 1);
	c.html = big;
	is_int(level(t, &c, "size"), CHECK_NOTE,
	    "more than Gmail shows is worth a look");
	dbtest_script(t->db, "UPDATE brands SET postal_address = ''");
	is_int(level(t, &c, "postal_address"), CHECK_NOTE,
	    "no postal address is worth a look");
}

/*
 * The finished mail is judged, not its source: what people see for whom every field, no
 * field or an odd one is filled in.
 */
static const struct {
	const char *html, *key;
	int level;
	const char *words; /* of the title */
} mails[] = {
	{ "<p>Hi</p><!-- {{ unsubscribe_url }} -->", "unsubscribe", CHECK_GOOD,
	    "added" },
	{ "<p>Hi</p>{% if town == 'x' %}<a href=\"{{ unsubscribe_url }}\">u</a>{% "
	  "endif %}",
	    "unsubscribe", CHECK_GOOD, "added" },
	{ "<p>Hi</p>{% if town %}<a href=\"{{ unsubscribe_url }}\">u</a>{% endif %}",
	    "unsubscribe", CHECK_GOOD, "added" },
	{ "<p>Hi</p><div style=\"display:none\"><a href=\"{{ unsubscribe_url "
	  "}}\">u</a></div>",
	    "unsubscribe", CHECK_GOOD, "added" },
	{ "<p>Hi</p><a href=\"https://x.de/{{ unsubscribe_url }}\">u</a>",
	    "unsubscribe", CHECK_GOOD, "added" },
	{ "<p>Hi</p><a href=\"http://{{ unsubscribe_url }}\">u</a>", "unsubscribe",
	    CHECK_GOOD, "There is" },
	{ "<p>Hi</p><a href=\"%7B%7B%20unsubscribe_url%20%7D%7D\">u</a>", "unsubscribe",
	    CHECK_GOOD, "There is" },
	{ "<p>Hi</p><style>p { color: red }", "html", CHECK_BLOCK, "<style>" },
	{ "<p>Hi</p><style>p { color: red }", "unsubscribe", CHECK_BLOCK, "seen" },
	{ "<p>Hi</p><style>p { color: red }", "postal_address", CHECK_BLOCK, "seen" },
	{ "<title>News<p>Hi</p>", "html", CHECK_BLOCK, "<title>" },
	{ "<p>Hi</p><!-- x", "html", CHECK_BLOCK, "comment" },
	{ "<div style=\"display: none\">Hi</div>", "unsubscribe", CHECK_GOOD, "added" },
	{ "<p>Street<br>1</p>", "postal_address", CHECK_GOOD, "is in the mail" },
	{ "<!-- Street 1 -->", "postal_address", CHECK_GOOD, "added" },
	{ "<p>Hi *|FNAME|*</p>", "foreign_tags", CHECK_NOTE, "*|FNAME|*" },
	{ "<p>[Name,fallback=you]</p>", "foreign_tags", CHECK_NOTE,
	    "[Name,fallback=you]" },
	{ "<p>%%first_name%%</p>", "foreign_tags", CHECK_NOTE, "%%first_name%%" },
	{ "<p>{ first_name }</p>", "foreign_tags", CHECK_NOTE, "another product" },
	{ "<p>{town}</p>", "foreign_tags", CHECK_NOTE, "another product" },
	{ "<a href=\"https://x.de/*|UNIQID|*\">x</a>*|UNSUB|*", "foreign_tags",
	    CHECK_NOTE, "*|UNSUB|*" },
	{ "<p>{<b>{ first_name }</b>}</p>", "foreign_tags", CHECK_NOTE,
	    "as it stands" },
	{ "<p>[1] {a} 50%% * | {{ town }} [SALE]</p>", "foreign_tags", CHECK_GOOD,
	    "no merge" },
	{ "<script>x</script><p>Hi</p>", "scripts_forms", CHECK_NOTE, "script" },
	{ "<form><input></form><p>Hi</p>", "scripts_forms", CHECK_NOTE, "form" },
	{ "<p>Hi</p>", "scripts_forms", CHECK_GOOD, "" },
	{ "<img alt=\"\" src=\"a.png\">", "images", CHECK_NOTE, "address" },
	{ "<img alt=\"\" src=\"data:image/png;base64,AA\">", "images", CHECK_NOTE,
	    "address" },
	{ "<a href=\"{{ town }}\">x</a>", "links", CHECK_NOTE, "without any field" },
	{ "<a href=\"{{ first_name }}\">x</a>", "links", CHECK_BLOCK, "every field" },
	{ "<a href=\"#\">x</a>", "links", CHECK_NOTE, "nowhere" },
	{ "<a href=\"\n https://x.de/ \">x</a>", "links", CHECK_GOOD, "whole" },
	{ "<a href=\"https://x.de:x/\">x</a>", "links", CHECK_NOTE, "no address" },
	{ "<p>{{ now | date: '%Y' }} {{ today }}</p>", "tags", CHECK_GOOD, "Every" },
	{ "<p>Hi</p>", "preview_text", CHECK_GOOD, "There is" },
};

static void test_mails(struct dbtest *t)
{
	dbtest_script(t->db, world);
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
		struct campaign c = ready();
		const struct check *k;

		c.html = mails[i].html;
		k = found(t, &c, mails[i].key);
		ok(k && (int)k->level == mails[i].level &&
			strstr(k->title, mails[i].words),
		    "%s of %s: %s", mails[i].key, mails[i].html, k ? k->title : "");
	}
}

/* Size as sent: with the addresses that count the clicks. */
static void test_size(struct dbtest *t)
{
	struct campaign c = ready();
	struct checklist plain = { 0 }, tracked = { 0 };
	struct check_view v;
	struct buf *b = buf_new(t->mem);

	dbtest_script(t->db, world);
	v = look(t);
	for (int i = 0; i < 100; i++)
		buf_printf(b, "<a href=\"https://x.de/%d\">x</a>\n", i);
	c.html = b->data;
	is_int(campaign_check(t->mem, &v, &c, &plain), OK, "campaign_check weighs");
	c.track_clicks = true;
	is_int(campaign_check(t->mem, &v, &c, &tracked), OK,
	    "campaign_check weighs again");
	ok(tracked.bytes > plain.bytes + 1500,
	    "with the addresses that count clicks: %zu, without %zu", tracked.bytes,
	    plain.bytes);
}

static void test_ses(struct dbtest *t)
{
	struct campaign c = ready();

	dbtest_script(t->db, world);
	dbtest_script(t->db, "UPDATE providers SET kind = 'ses'");
	is_int(level(t, &c, "sender"), CHECK_BLOCK, "SES without credentials blocks");
	dbtest_script(t->db,
	    "UPDATE providers SET access_key_id = 'AKIA',"
	    " secret = /*+lite x'00'*/ /*+pg '\\x00'*/");
	is_int(level(t, &c, "sender"), CHECK_NOTE,
	    "a sender Amazon said nothing of is worth a look");
	dbtest_script(t->db,
	    "UPDATE providers SET account_json ="
	    " '{\"identities\":[{\"name\":\"y.de\",\"verified\":true},{\"name\":\"x."
	    "de\",\"verified\":false}]}'");
	is_int(level(t, &c, "sender"), CHECK_BLOCK,
	    "a sender that is not verified blocks");
	dbtest_script(t->db,
	    "UPDATE providers SET account_json ="
	    " '{\"identities\":[],\"identities_complete\":true}'");
	is_int(level(t, &c, "sender"), CHECK_BLOCK,
	    "a sender the account does not know blocks");
	dbtest_script(t->db,
	    "UPDATE providers SET account_json ="
	    " '{\"identities\":[{\"name\":\"x.de\",\"verified\":true}]}'");
	is_int(level(t, &c, "sender"), CHECK_GOOD,
	    "an address is verified by its domain");
	public_url = "http://m.de";
	is_int(level(t, &c, "public_url"), CHECK_BLOCK,
	    "links without https block what leaves the server");
	public_url = "https://127.0.0.1:8443";
	is_int(level(t, &c, "public_url"), CHECK_BLOCK,
	    "and so do links to this machine");
	dbtest_script(t->db, "UPDATE providers SET endpoint = 'http://127.0.0.1:9'");
	is_int(level(t, &c, "public_url"), -1, "an endpoint here is no real provider");
	public_url = "https://m.de";
}

int main(void)
{
	dbtest_run(test_good);
	dbtest_run(test_blocks);
	dbtest_run(test_notes);
	dbtest_run(test_mails);
	dbtest_run(test_size);
	dbtest_run(test_ses);
	return done_testing();
}
