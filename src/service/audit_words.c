#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "service/audit.h"

/*
 * One row an action, in the order of the alphabet.  {label} is the name of the object,
 * {id} its number, other words in braces stand in the line's detail; what is not there
 * is left out.
 */
static const struct {
	const char *action, *words;
} all[] = {
	{ "api_key.create", "made the API key “{label}”, which may {scopes}" },
	{ "api_key.revoke", "revoked the API key “{label}”" },
	{ "audit.export", "exported the audit log" },
	{ "brand.create", "made the brand {label}" },
	{ "brand.update", "changed the settings of the brand" },
	{ "campaign.audience", "changed the audience of the campaign “{label}”" },
	{ "campaign.cancel", "cancelled the campaign “{label}”" },
	{ "campaign.create", "made the campaign “{label}”" },
	{ "campaign.delete", "deleted the campaign “{label}”" },
	{ "campaign.doubt", "decided about mails in doubt of the campaign “{label}”" },
	{ "campaign.duplicate", "copied a campaign as “{label}”" },
	{ "campaign.export", "exported the recipients of the campaign “{label}”" },
	{ "campaign.follow", "made “{label}” to follow a campaign" },
	{ "campaign.pause", "paused the campaign “{label}”" },
	{ "campaign.resume", "resumed the campaign “{label}”" },
	{ "campaign.schedule", "scheduled the campaign “{label}”" },
	{ "campaign.send", "began to send the campaign “{label}”" },
	{ "campaign.test", "sent a test of the campaign “{label}”" },
	{ "campaign.unschedule", "took the campaign “{label}” off the schedule" },
	{ "campaign.update", "edited the campaign “{label}”" },
	{ "field.change", "changed the field “{label}”" },
	{ "field.create", "made the field “{label}”" },
	{ "field.delete", "deleted the field “{label}”" },
	{ "host.confirm", "confirmed this server and its database" },
	{ "import.cancel", "cancelled the import of {label}" },
	{ "import.create", "uploaded {label} for an import" },
	{ "import.read", "read {label} in another encoding" },
	{ "import.start", "began the import of {label}" },
	{ "installation.test_mail", "sent a test of the installation’s own mail" },
	{ "installation.update", "changed the settings of the installation" },
	{ "invitation.accept", "accepted the invitation and is {role} now" },
	{ "invitation.create", "invited {label} as {role}" },
	{ "invitation.renew", "invited {label} as {role} again" },
	{ "invitation.revoke", "revoked the invitation of {label}" },
	{ "list.change", "changed the list “{label}”" },
	{ "list.create", "made the list “{label}”" },
	{ "list.delete", "deleted the list “{label}”" },
	{ "member.add", "took {label} into the team as {role}" },
	{ "member.hand_over", "handed the brand over to {label}" },
	{ "member.leave", "left the team" },
	{ "member.remove", "removed {label}, who was {was}, from the team" },
	{ "member.role", "changed the role of {label} from {was} to {role}" },
	{ "provider.check", "asked Amazon about the account" },
	{ "provider.topic", "began to listen to the topic {label}" },
	{ "provider.topic_drop", "stopped listening to the topic {label}" },
	{ "provider.update", "changed how mail is delivered: {kind}" },
	{ "session.end", "ended one of their sessions" },
	{ "session.end_others", "signed out everywhere else" },
	{ "subscriber.change", "changed the subscriber {id}" },
	{ "subscriber.create", "added the subscriber {id}" },
	{ "subscriber.delete", "deleted the subscriber {id}" },
	{ "subscriber.export", "exported subscribers" },
	{ "subscriber.upsert", "added or changed the subscriber {id}" },
	{ "suppression.create", "suppressed {added} addresses" },
	{ "suppression.export", "exported suppressions" },
	{ "suppression.lift", "lifted {lifted} suppressions: {note}" },
	{ "user.create", "made the account {label}" },
	{ "user.demote", "made {label} no administrator any more" },
	{ "user.disable", "disabled the account {label}" },
	{ "user.enable", "enabled the account {label}" },
	{ "user.first", "set up this server" },
	{ "user.join", "made an account by invitation" },
	{ "user.link", "linked the account with signing in through {provider}" },
	{ "user.password", "changed their password" },
	{ "user.promote", "made {label} an administrator" },
	{ "user.recovery_codes", "made new recovery codes" },
	{ "user.register", "made an account by signing in through {provider}" },
	{ "user.rename", "changed their name to {label}" },
	{ "user.reset_asked", "asked for a link for a new password of {label}" },
	{ "user.reset_link", "made a link for a new password of {label}" },
	{ "user.reset_password", "chose a new password of {label} by a link" },
	{ "user.second_factor_drop", "turned the second factor of {label} off" },
	{ "user.second_factor_off", "turned their second factor off" },
	{ "user.second_factor_on", "turned their second factor on" },
	{ "user.set_password", "set the password of {label}" },
	{ "user.sign_in", "signed in" },
	{ "user.sign_out", "signed out" },
	{ "user.unlink", "ended the link of the account with Supabase" },
};

const struct audit_noun audit_nouns[] = {
	{ "campaign", "Campaigns" },
	{ "subscriber", "Subscribers" },
	{ "list", "Lists" },
	{ "field", "Fields" },
	{ "suppression", "Suppressions" },
	{ "import", "Imports" },
	{ "member", "Team" },
	{ "invitation", "Invitations" },
	{ "api_key", "API keys" },
	{ "provider", "Delivery" },
	{ "brand", "Brand settings" },
	{ "user", "Accounts" },
	{ "session", "Sessions" },
	{ "installation", "Installation" },
	{ "host", "This server" },
	{ "audit", "Audit log" },
	{ NULL, NULL },
};

static const char *words_of(const char *action)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (text_equal(all[i].action, action))
			return all[i].words;
	}
	return NULL;
}

/* "read,write" as people write it: "read, write". */
static void put_list(struct buf *b, const char *s)
{
	for (; *s; s++) {
		buf_char(b, *s);
		if (*s == ',' && s[1] != ' ')
			buf_char(b, ' ');
	}
}

/* What stands in braces at p, n bytes. */
static void put_value(struct buf *b, const struct audit_line *l,
    struct json_object *detail, const char *p, size_t n)
{
	char *name = mem_strn(b, p, n);
	struct json_object *v;

	if (text_equal(name, "label") && !text_empty(l->label))
		buf_str(b, l->label);
	else if (text_equal(name, "label") || text_equal(name, "id"))
		buf_printf(b, "%lld", (long long)l->object_id);
	else if ((v = json_get(detail, name)) != NULL)
		put_list(b, json_object_get_string(v));
}

char *audit_words(void *mem, const struct audit_line *l)
{
	struct buf *b = buf_new(mem);
	const char *p = words_of(l->action);
	struct json_object *detail = NULL;

	if (!p) {
		buf_printf(b, "did %s %s", l->action, l->label);
		return b->data;
	}
	if (json_read(mem, l->detail, strlen(l->detail), &detail, NULL) != OK)
		detail = json_obj(mem);
	while (*p) {
		size_t n = strcspn(p, "{");

		buf_add(b, p, n);
		p += n;
		if (*p == '{') {
			n = strcspn(++p, "}");
			put_value(b, l, detail, p, n);
			p += n + 1;
		}
	}
	return b->data;
}
