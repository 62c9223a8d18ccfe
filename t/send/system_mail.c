#include "send/system_mail.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "repo/provider.h"
#include "sendtest.h"
#include "service/system_sender.h"
#include "tap.h"
#include "view/page.h"

static struct app *app_with_pages(struct dbtest *t)
{
	struct app *app = sendtest_app(t, "");

	app->pages =
	    pages_new(app, mem_printf(app, "%s/templates", t->share), false, &app->log);
	return app;
}

static enum err send(struct dbtest *t, struct app *app, const char *to,
    const char *subject, const char **why)
{
	struct system_mail m = { "mail/reset", to, subject, json_obj(t->mem) };

	*why = NULL;
	json_set_text(m.data, "link", "https://m.test/reset/abc");
	json_set_text(m.data, "email", "\"<b>\"@x.test");
	return system_mail_send(app, t->mem, &m, why);
}

static void test_outbox(struct dbtest *t)
{
	struct app *app;
	const char *why;

	sendtest_people(t, 1);
	app = app_with_pages(t);
	is_int(send(t, app, "a@x.test", "A new password", &why), OK,
	    "system_mail_send sends");
	is_int(dbtest_int(t->db,
		   "SELECT count(*) FROM outbox_messages WHERE kind = 'system'"
		   " AND to_email = 'a@x.test' AND subject = 'A new password'"
		   " AND html LIKE '%href=\"https://m.test/reset/abc\"%'"
		   " AND html LIKE '%&lt;b&gt;%' AND html NOT LIKE '%<b>%'"
		   " AND body_text LIKE '%https://m.test/reset/abc%'"
		   " AND body_text NOT LIKE '%font%'"
		   " AND headers LIKE '%Auto-Submitted%'"
		   " AND headers NOT LIKE '%List-%'"),
	    1,
	    "system_mail_send keeps it in the outbox, escaped, with a text, no list");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM campaign_subscribers"), 0,
	    "system_mail_send leaves the ledger alone");
}

static void test_headers(struct dbtest *t)
{
	static const char *const bad[] = { "a\r\nBcc: x@y.test", "a\nb", "a\rb",
		"a\x01z", "a\x7f", "\xc2\x85 next line", "" };
	struct app *app;
	const char *why;

	sendtest_people(t, 1);
	app = app_with_pages(t);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(send(t, app, "a@x.test", bad[i], &why) == ERR_INVALID && why,
		    "system_mail_send refuses subject %zu, in words", i);
	ok(send(t, app, "a@x.test, b@x.test", "Hi", &why) == ERR_INVALID,
	    "system_mail_send refuses two addresses");
	ok(send(t, app, "a@x.test\nBcc: b@x.test", "Hi", &why) == ERR_INVALID,
	    "system_mail_send refuses a line break in the address");
	is_int(dbtest_int(t->db, "SELECT count(*) FROM outbox_messages"), 0,
	    "none of them was made");
}

static void test_choice(struct dbtest *t)
{
	const struct provider_settings account = { .brand_id = 7,
		.kind = PROVIDER_SES,
		.region = "eu-west-1",
		.endpoint = "",
		.configuration_set = "",
		.access_key_id = "AKIA",
		.secret = "x",
		.secret_len = 1,
		.account_key = "",
		.account_json = "{}" };
	struct system_sender s;
	struct form *f = form_new(t->mem);
	struct app *app;
	const char *why;

	sendtest_people(t, 1);
	app = app_with_pages(t);
	ok(system_sender_find(t->db, t->mem, &s) == OK && s.brand->id == 1 &&
		s.outbox && !s.chosen,
	    "system_sender_find takes the oldest brand");
	dbtest_script(t->db,
	    "INSERT INTO brands (id, name, from_email, hook_token, created_at,"
	    " updated_at) VALUES (7, 'Seven', '', 'seven', 1, 1);"
	    "INSERT INTO providers (brand_id, kind, updated_at) VALUES (7, 'outbox', "
	    "1);");
	ok(provider_settings_put(t->db, &account, 1) == OK, "another has an account");
	form_add(f, "system_brand", "7");
	ok(system_sender_choose(t->db, t->mem, f, 1) == ERR_INVALID &&
		form_error(f, "system_brand"),
	    "system_sender_choose refuses one without an address");
	dbtest_script(t->db, "UPDATE brands SET from_email = 's@x.test' WHERE id = 7;");
	ok(system_sender_find(t->db, t->mem, &s) == OK && s.brand->id == 1,
	    "a brand that is set up later does not get hold of these mails");
	dbtest_script(t->db, "UPDATE brands SET from_email = '' WHERE id = 1;");
	ok(system_sender_find(t->db, t->mem, &s) == OK && s.brand->id == 7 && !s.outbox,
	    "unless the older one has no address");
	dbtest_script(t->db, "UPDATE brands SET from_email = 'n@x.test' WHERE id = 1;");
	f = form_new(t->mem);
	form_add(f, "system_brand", "1");
	ok(system_sender_choose(t->db, t->mem, f, 1) == OK &&
		system_sender_find(t->db, t->mem, &s) == OK && s.brand->id == 1 &&
		s.chosen,
	    "system_sender_find takes the one that was chosen");
	dbtest_script(t->db,
	    "DELETE FROM settings; UPDATE brands SET from_email = '';");
	is_int(send(t, app, "a@x.test", "Hi", &why), ERR_NOTFOUND,
	    "system_mail_send says when no brand can send");
	ok(why && strstr(why, "No brand"), "in words");
}

static void test_ses(struct dbtest *t)
{
	struct fake_ses f;
	struct app *app;
	const char *why;

	sendtest_people(t, 1);
	app = app_with_pages(t);
	fake_ses_start(t, &f, "--keep");
	sendtest_use_ses(t, app, &f, "bulk", 1000);
	is_int(send(t, app, "a@x.test", "Schl\xc3\xbcssel", &why), OK,
	    "system_mail_send sends through SES");
	fake_ses_script(&f,
	    "[{\"first\":1,\"do\":{\"status\":500,\"type\":\"InternalFailure\","
	    "\"message\":\"no\"}}]");
	is_int(send(t, app, "b@x.test", "Again", &why), OK,
	    "system_mail_send tries again");
	is_int(fake_ses_stat(&f, "faults"), 1, "after what was refused for now");
	fake_ses_script(&f,
	    "[{\"first\":1,\"do\":{\"status\":400,\"type\":\"MessageRejected\","
	    "\"message\":\"No such luck\"}}]");
	is_int(send(t, app, "c@x.test", "Never", &why), ERR_IO,
	    "system_mail_send fails when SES refuses");
	ok(why && strstr(why, "No such luck"), "and says what SES said");
	is_int(fake_ses_stat(&f, "malformed"), 0,
	    "system_mail_send writes what SES takes");
	fake_ses_stop(&f);
}

int main(void)
{
	dbtest_run(test_outbox);
	dbtest_run(test_headers);
	dbtest_run(test_choice);
	dbtest_run(test_ses);
	return done_testing();
}
