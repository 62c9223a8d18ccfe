#include "service/import_status.h"

#include "base/text.h"
#include "tap.h"

/* Columns and cells as the services named write them, and what they must mean. */
static const struct {
	const char *from, *column, *cell, *want;
} cells[] = {
	/* clang-format off */
	{ "our export", "status", "active", "active" },
	{ "our export", "status", "unsubscribed", "unsubscribed" },
	{ "our export", "status", "bounced", "bounced" },
	{ "our export", "status", "complained", "complained" },
	{ "our export", "status", "unconfirmed", "unconfirmed" },
	{ "our suppressions", "reason", "manual", "manual" },
	{ "Mailchimp", "UNSUB_TIME", "2021-04-01 09:10:11", "unsubscribed" },
	{ "Mailchimp", "UNSUB_TIME", "", "silent" },
	{ "Mailchimp", "UNSUB_TIME", "0000-00-00 00:00:00", "silent" },
	{ "Mailchimp", "CLEAN_TIME", "2021-04-01 09:10:11", "bounced" },
	{ "Mailchimp", "Status", "cleaned", "bounced" },
	{ "Mailchimp", "Status", "Non-Subscribed", "unconfirmed" },
	{ "Brevo", "BLOCKLISTED", "TRUE", "manual" },
	{ "Brevo", "BLOCKLISTED", "FALSE", "silent" },
	{ "Brevo", "EMAIL_BLACKLISTED", "1", "manual" },
	{ "HubSpot", "Unsubscribed from all email", "Yes", "unsubscribed" },
	{ "HubSpot", "Unsubscribed from all email", "No", "silent" },
	{ "HubSpot", "Opted out of email: Marketing Information", "true", "unsubscribed" },
	{ "HubSpot", "Marketing contact status", "Marketing contact", "active" },
	{ "HubSpot", "Marketing contact status", "Non-marketing contact", "unconfirmed" },
	{ "HubSpot", "Email hard bounce reason", "UNKNOWN_USER", "unknown" },
	{ "listmonk", "status", "blocklisted", "manual" },
	{ "listmonk", "status", "enabled", "active" },
	{ "listmonk", "subscription_status", "unconfirmed", "unconfirmed" },
	{ "Klaviyo", "Email Marketing Consent", "NEVER_SUBSCRIBED", "unconfirmed" },
	{ "Klaviyo", "Email Marketing Consent", "SUBSCRIBED", "active" },
	{ "Klaviyo", "Email Marketing Consent", "UNSUBSCRIBED", "unsubscribed" },
	{ "Klaviyo", "Email Suppressions", "[\"HARD_BOUNCE\"]", "bounced" },
	{ "Shopify", "Accepts Email Marketing", "no", "unconfirmed" },
	{ "Shopify", "Accepts Email Marketing", "yes", "active" },
	{ "CleverReach", "deactivated", "1617268211", "unsubscribed" },
	{ "CleverReach", "deactivated", "0", "silent" },
	{ "German", "Status", "Abgemeldet", "unsubscribed" },
	{ "German", "Abgemeldet am", "01.04.2021", "unsubscribed" },
	{ "German", "abgemeldet", "ja", "unsubscribed" },
	{ "French", "Statut", "Désabonné", "unsubscribed" },
	{ "French", "statut", "DÉSINSCRIT", "unsubscribed" },
	{ "Spanish", "Estado", "Baja", "unsubscribed" },
	{ "Polish", "Status", "wypisany", "unsubscribed" },
	{ "Russian", "Статус", "Отписан", "unsubscribed" },
	{ "anybody", "Opted Out", "x", "unsubscribed" },
	{ "anybody", "Unsubscribed at", "3/25/2021 10:00", "unsubscribed" },
	{ "anybody", "Unsubscribed at", "never", "silent" },
	{ "anybody", "Unsubscribed", "perhaps", "unknown" },
	{ "anybody", "Subscribed", "FALSE", "unsubscribed" },
	{ "anybody", "Subscribed", "2020-01-01", "active" },
	{ "anybody", "status", "gold", "unknown" },
	{ "anybody", "status", "yes", "unknown" },
	/* clang-format on */
};

static const char *shown(enum row_status s)
{
	if (s == ROW_SILENT)
		return "silent";
	return s == ROW_UNKNOWN ? "unknown" : import_status_name(s);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++) {
		struct status_meaning m = import_status_of_name(cells[i].column);

		ok(m.kind != STATUS_NONE, "import_status_of_name knows “%s” of %s",
		    cells[i].column, cells[i].from);
		is_text(shown(import_status_read(m, cells[i].cell)), cells[i].want,
		    "“%s” in it is read", cells[i].cell);
	}
	ok(import_status_of_name("City").kind == STATUS_NONE, "a city is no status");
	ok(import_status_of_name("State").weak, "a state need not be one");
	ok(import_status_is_word("opted-out") && !import_status_is_word("yes"),
	    "import_status_is_word: yes alone says nothing");
	for (int s = ROW_ACTIVE; s < ROW_UNKNOWN; s++) {
		enum row_status row = (enum row_status)s;

		ok(import_status_from(import_status_name(row)) == row,
		    "%s is read as it is written", import_status_name(row));
		ok(import_status_leaves(row) ==
			(import_status_stored(row) >= SUBSCRIBER_UNSUBSCRIBED),
		    "and who leaves is stored as gone");
	}
	return done_testing();
}
