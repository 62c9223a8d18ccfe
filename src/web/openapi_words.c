#include "web/openapi.h"

/* clang-format off */
#define PAGE "cursor:text limit:int"
#define BRAND "name:text from_name:text from_email:text reply_to:text postal_address:text time_zone:text"
#define CAMPAIGN "subject:text preview_text:text html:text text:text from_name:text from_email:text reply_to:text" \
	" lists:[int] exclude_lists:[int] segments:[int] exclude_segments:[int] track_opens:bool track_clicks:bool on_doubt:text"
#define PERSON "first_name:text last_name:text fields:object tags:[text] lists:[int] status:text"
#define AUDIT PAGE " person:text action:text object:text from:text to:text"
#define SOME_PEOPLE "q:text status:text list:int tag:text"
#define RECIPIENTS "state:text q:text reason:text"

const struct openapi_route openapi_routes[] = {
	{ GET,    "/openapi.json", "This description", "", "object" },
	{ GET,    "/me", "Who the caller is", "", "Me" },
	{ PATCH,  "/me", "Change one's own name", "name:text!", "Me" },
	{ GET,    "/account/sessions", "Where one is signed in", "", "page Session" },
	{ DELETE, "/account/sessions", "Sign out everywhere else", "", "Ended" },
	{ DELETE, "/account/sessions/{}", "Sign out in one place", "", "Ended" },

	{ GET,    "/installation", "Settings of the installation", "", "Installation" },
	{ PATCH,  "/installation", "Change settings of the installation", "system_brand:int", "Installation" },
	{ GET,    "/users", "All accounts", "", "page Account" },
	{ PATCH,  "/users/{}", "Make an account administrator, or disable it", "admin:bool disabled:bool", "Account" },
	{ GET,    "/hosts", "Servers, and what is held back", "", "Hosts" },
	{ POST,   "/hosts/confirm", "Confirm a restored or copied database", "campaigns:text!", "Paused" },
	{ GET,    "/audit", "Who changed what, in the whole installation", AUDIT, "page Audit" },
	{ GET,    "/audit.csv", "The same as a file", AUDIT, "csv" },

	{ GET,    "/brands", "Brands the caller sees", "", "page Brand" },
	{ POST,   "/brands", "Make a brand", BRAND, "Brand" },
	{ GET,    "/brands/{}", "A brand and its numbers", "", "Brand" },
	{ PATCH,  "/brands/{}", "Change a brand", BRAND, "Brand" },
	{ GET,    "/brands/{}/provider", "How mail is delivered", "", "Provider" },
	{ PUT,    "/brands/{}/provider", "Set how mail is delivered", "kind:text! region:text access_key_id:text secret_access_key:text"
		" endpoint:text configuration_set:text mode:text rate:num", "Provider" },
	{ POST,   "/brands/{}/provider/check", "Ask Amazon about the account", "", "Provider" },
	{ POST,   "/brands/{}/provider/topics", "Listen to a topic", "topic_arn:text!", "Provider" },
	{ DELETE, "/brands/{}/provider/topics/{}", "No longer listen to a topic", "", "Provider" },
	{ GET,    "/brands/{}/members", "The team", "", "page Member" },
	{ POST,   "/brands/{}/members", "Take an account into the team", "email:text! role:text!", "Member" },
	{ PATCH,  "/brands/{}/members/{}", "Change a role", "role:text!", "Member" },
	{ DELETE, "/brands/{}/members/{}", "Remove somebody from the team", "", "none" },
	{ POST,   "/brands/{}/members/{}/owner", "Hand the brand over", "", "Member" },
	{ POST,   "/brands/{}/leave", "Leave the team", "", "none" },
	{ GET,    "/brands/{}/invitations", "Open invitations", "", "page Invitation" },
	{ POST,   "/brands/{}/invitations", "Invite somebody", "email:text! role:text! by_mail:bool", "Invitation" },
	{ POST,   "/brands/{}/invitations/{}/renew", "Invite once more", "", "Invitation" },
	{ DELETE, "/brands/{}/invitations/{}", "Take an invitation back", "", "none" },
	{ GET,    "/brands/{}/keys", "API keys", "", "page Key" },
	{ POST,   "/brands/{}/keys", "Make an API key", "name:text scopes:[text]! expires:text", "Key" },
	{ DELETE, "/brands/{}/keys/{}", "Revoke an API key", "", "Key" },
	{ GET,    "/brands/{}/audit", "Who changed what", AUDIT, "page Audit" },
	{ GET,    "/brands/{}/audit.csv", "The same as a file", AUDIT, "csv" },

	{ GET,    "/brands/{}/lists", "Lists", "", "page List" },
	{ POST,   "/brands/{}/lists", "Make a list", "name:text! description:text", "List" },
	{ GET,    "/brands/{}/lists/{}", "A list", "", "List" },
	{ PATCH,  "/brands/{}/lists/{}", "Change a list", "name:text description:text", "List" },
	{ DELETE, "/brands/{}/lists/{}", "Delete a list", "", "none" },
	{ GET,    "/brands/{}/fields", "Custom fields", "", "page Field" },
	{ POST,   "/brands/{}/fields", "Make a custom field", "key:text label:text type:text choices:[text]", "Field" },
	{ GET,    "/brands/{}/fields/{}", "A custom field", "", "Field" },
	{ PATCH,  "/brands/{}/fields/{}", "Change a custom field", "key:text label:text type:text choices:[text]", "Field" },
	{ DELETE, "/brands/{}/fields/{}", "Delete a custom field", "", "none" },
	{ GET,    "/brands/{}/subscribers", "Subscribers", PAGE " " SOME_PEOPLE, "page Subscriber" },
	{ GET,    "/brands/{}/subscribers.csv", "The same as a file", SOME_PEOPLE, "csv" },
	{ POST,   "/brands/{}/subscribers", "Add a subscriber", "email:text! " PERSON, "Subscriber" },
	{ GET,    "/brands/{}/subscribers/{}", "A subscriber", "", "Subscriber" },
	{ PATCH,  "/brands/{}/subscribers/{}", "Change a subscriber", "email:text " PERSON, "Subscriber" },
	{ DELETE, "/brands/{}/subscribers/{}", "Delete a subscriber", "", "none" },
	{ POST,   "/brands/{}/subscribers/upsert", "Add a subscriber, or change the one who is here", "email:text! " PERSON, "Subscriber" },
	{ GET,    "/brands/{}/suppressions", "Suppressed addresses", PAGE " q:text reason:text", "page Suppression" },
	{ GET,    "/brands/{}/suppressions.csv", "The same as a file", "q:text reason:text", "csv" },
	{ POST,   "/brands/{}/suppressions", "Suppress addresses", "emails:[text]! reason:text", "Suppressed" },
	{ DELETE, "/brands/{}/suppressions", "Lift suppressions", "note:text! email:text reason:text since:text", "Lifted" },
	{ GET,    "/brands/{}/imports", "Imports", PAGE, "page Import" },
	{ POST,   "/brands/{}/imports", "Import a file", "file:file! mapping:text lists:text existing:text encoding:text"
		" date_order:text status:text status_words:text suppress_only:bool", "Import" },
	{ GET,    "/brands/{}/imports/{}", "An import", "", "Import" },
	{ POST,   "/brands/{}/imports/{}/start", "Start an import", "mapping:object lists:[int] existing:text new_list:text date_order:text"
		" status:text status_words:object suppress_only:bool", "Import" },
	{ POST,   "/brands/{}/imports/{}/cancel", "Stop an import", "", "Import" },
	{ GET,    "/brands/{}/imports/{}/refused.csv", "Rows that were refused, with the reason", "", "csv" },
	{ GET,    "/brands/{}/imports/{}/notes.csv", "Rows stored without a value that could not be read", "", "csv" },
	{ POST,   "/brands/{}/imports/{}/read", "Read an upload in another encoding", "encoding:text!", "Import" },

	{ GET,    "/brands/{}/campaigns", "Campaigns", PAGE " status:text tab:text list:int q:text", "page CampaignLine" },
	{ POST,   "/brands/{}/campaigns", "Make a campaign", "name:text! " CAMPAIGN, "Campaign" },
	{ GET,    "/brands/{}/campaigns/{}", "A campaign and its numbers", "", "Campaign" },
	{ PATCH,  "/brands/{}/campaigns/{}", "Change a draft", "name:text version:int " CAMPAIGN, "Campaign" },
	{ DELETE, "/brands/{}/campaigns/{}", "Delete a draft", "", "none" },
	{ POST,   "/brands/{}/campaigns/{}/duplicate", "Copy a campaign", "", "Campaign" },
	{ POST,   "/brands/{}/campaigns/{}/follow", "Make a campaign to who did not get or open this one", "audience:text!", "Campaign" },
	{ PUT,    "/brands/{}/campaigns/{}/audience", "Set whom it goes to", "lists:[int] exclude_lists:[int] version:int", "Campaign" },
	{ GET,    "/brands/{}/reach", "How many people lists reach", "lists:text exclude_lists:text", "Reach" },
	{ GET,    "/brands/{}/campaigns/{}/checklist", "What is to be looked at before sending", "", "Checklist" },
	{ POST,   "/brands/{}/campaigns/{}/test", "Send a test", "emails:[text]! subscriber:int", "Tests" },
	{ POST,   "/brands/{}/campaigns/{}/send", "Send now", "", "Campaign" },
	{ POST,   "/brands/{}/campaigns/{}/schedule", "Send at a time", "send_at:time! zone:text", "Campaign" },
	{ POST,   "/brands/{}/campaigns/{}/pause", "Pause", "", "Campaign" },
	{ POST,   "/brands/{}/campaigns/{}/resume", "Go on", "", "Campaign" },
	{ POST,   "/brands/{}/campaigns/{}/cancel", "Stop for good, or take off the schedule", "", "Campaign" },
	{ POST,   "/brands/{}/campaigns/{}/doubt", "Decide about people in doubt", "action:text! state:text all:bool ids:[int]",
		"Campaign" },
	{ GET,    "/brands/{}/campaigns/{}/recipients", "Who got it, and what happened", PAGE " " RECIPIENTS, "page Recipient" },
	{ GET,    "/brands/{}/campaigns/{}/recipients.csv", "The same as a file", RECIPIENTS, "csv" },
	{ GET,    "/brands/{}/campaigns/{}/report", "Opens, clicks, bounces", "", "Report" },
	{ GET,    "/brands/{}/outbox", "Mails kept in the outbox", PAGE " campaign:int q:text", "page Mail" },
	{ GET,    "/brands/{}/outbox/{}", "A mail", "", "Mail" },
	{ GET,    "/brands/{}/outbox/{}/html", "Its HTML", "", "html" },
	{ GET,    "/brands/{}/outbox/{}/raw", "As it is sent", "", "mail" },
	{ 0 },
};

const struct openapi_shape openapi_shapes[] = {
	{ "Me", "user:User? key:OwnKey? brands:[Role]" },
	{ "User", "id:int email:text name:text admin:bool" },
	{ "OwnKey", "id:int name:text scopes:text brand_id:int?" },
	{ "Role", "id:int name:text role:text" },
	{ "Session", "id:int device:text ip:text created_at:time seen_at:time expires_at:time current:bool" },
	{ "Ended", "ended:int" },
	{ "Installation", "system_mail:SystemMail" },
	{ "SystemMail", "can_send:bool brand_id:int~ brand:text~ from:text~ chosen:bool~ outbox:bool~" },
	{ "Account", "id:int email:text name:text admin:bool disabled:bool password:bool second_factor:bool created_at:time" },
	{ "Hosts", "hosts:[Host] held:text? what:text? campaigns:[object] campaigns_total:int" },
	{ "Host", "name:text held:text? held_at:time? created_at:time seen_at:time" },
	{ "Paused", "paused:int" },
	{ "Audit", "id:int at:time actor:text actor_email:text user_id:int? key_id:int? brand_id:int? brand:text action:text"
		" object_id:int? object:text words:text detail:object ip:text agent:text" },
	{ "Brand", "id:int name:text from_name:text from_email:text reply_to:text postal_address:text time_zone:text"
		" created_at:time updated_at:time overview:Overview~" },
	{ "Overview", "subscribers:int active:int lists:int campaigns:int new_30_days:int suppressed:int last_campaigns:[object]" },
	{ "Provider", "kind:text region:text region_name:text endpoint:text configuration_set:text mode:text rate:num access_key_id:text"
		" secret_access_key_set:bool max_rate:num max_day:num sent_day:num production:bool? enforcement:text? checked_at:time?"
		" events_url:text? topics:[Topic] silent_since:time?" },
	{ "Topic", "id:int topic_arn:text state:text created_at:time confirmed_at:time? last_event_at:time?" },
	{ "Member", "user_id:int email:text name:text role:text created_at:time" },
	{ "Invitation", "id:int email:text role:text state:text by_mail:bool invited_by:text created_at:time expires_at:time sent:bool~"
		" why:text~? url:text~?" },
	{ "Key", "id:int name:text prefix:text scopes:text state:text user:text? created_at:time last_used_at:time? expires_at:time?"
		" revoked_at:time? key:text~" },
	{ "List", "id:int name:text description:text subscribers:int active:int created_at:time" },
	{ "Field", "id:int key:text label:text type:text choices:[text]" },
	{ "Subscriber", "id:int email:text status:text first_name:text last_name:text fields:object tags:[text] lists:[int]~"
		" created_at:time updated_at:time" },
	{ "Suppression", "email:text reason:text detail:text created_at:time subscriber_id:int?" },
	{ "Suppressed", "added:int known:int" },
	{ "Lifted", "lifted:int more:bool" },
	{ "Import", "id:int file_name:text state:text size:int total:int counts:Rows noted:int mapping:object"
		" left_out:[text] lists:[int] existing:text encoding:text encoding_doubtful:bool"
		" date_order:text status:text suppress_only:bool error:text"
		" created_at:time started_at:time? finished_at:time?" },
	{ "Rows", "rows:int new:int updated:int unchanged:int unsubscribed:int suppressed:int invalid:int" },
	{ "CampaignLine", "id:int brand_id:int name:text status:text subject:text preview_text:text from_name:text from_email:text"
		" reply_to:text track_opens:bool track_clicks:bool on_doubt:text send_at:time? send_zone:text audience:int frozen_at:time?"
		" started_at:time? finished_at:time? pause_reason:text resume_at:time? resends:int parent_id:int? audience_kind:text"
		" version:int created_at:time updated_at:time counts:Counts stats:Stats author:text to:text without:text reach:int~"
		" rate:num~ base:int~" },
	{ "Campaign", "id:int brand_id:int name:text status:text subject:text preview_text:text html:text text:text from_name:text"
		" from_email:text reply_to:text lists:[int] exclude_lists:[int] segments:[int] exclude_segments:[int] track_opens:bool"
		" track_clicks:bool on_doubt:text send_at:time? send_zone:text audience:int frozen_at:time? started_at:time?"
		" finished_at:time? pause_reason:text resume_at:time? resends:int parent_id:int? audience_kind:text version:int"
		" created_at:time updated_at:time counts:Counts adds_up:bool stats:Stats problems:[Check]~ decided:int~"
		" allowed_rate:num?~ rate:num?~" },
	{ "Counts", "audience:int pending:int claimed:int intent:int retry:int accepted:int rejected:int doubt:int given_up:int"
		" skipped:int cancelled:int left:int settled:int" },
	{ "Stats", "delivered:int opened:int opens:int machine_opened:int machine_opens:int clicked:int clicks:int machine_clicked:int"
		" machine_clicks:int bounced:int soft_bounced:int complained:int unsubscribed:int last_event_at:time?" },
	{ "Reach", "reach:int" },
	{ "Checklist", "ready:bool blocks:int notes:int reach:int bytes:int items:[Check]" },
	{ "Check", "key:text level:text title:text todo:text where:text part:text? line:int column:int" },
	{ "Tests", "results:[Test] sent:int" },
	{ "Test", "email:text sent:bool text:text" },
	{ "Recipient", "id:int subscriber_id:int email:text name:text state:text reason:text tries:int message_id:text? next_try_at:time?"
		" settled_at:time? delivered_at:time? bounced_at:time? bounce:text complained_at:time? opened_at:time?"
		" machine_opened_at:time? clicked_at:time? machine_clicked_at:time? unsubscribed_at:time?" },
	{ "Report", "counts:Counts stats:Stats base:int base_name:text resent:int hours:[object] links:[Link] clients:[object]" },
	{ "Link", "number:int url:text label:text people:int clicks:int machines:int" },
	{ "Mail", "id:int campaign_id:int? campaign:text? subscriber_id:int? kind:text to:text from:text subject:text text:text~ html:text~"
		" headers:[Header]~ created_at:time" },
	{ "Header", "name:text value:text" },
	{ "Problem", "type:text title:text status:int detail:text~ errors:object~" },
	{ 0 },
};
/* clang-format on */
