#include "web/routes.h"

#include "web/access.h"
#include "web/account.h"
#include "web/api_key.h"
#include "web/audit.h"
#include "web/brand.h"
#include "web/campaign.h"
#include "web/compose.h"
#include "web/doubt.h"
#include "web/cron.h"
#include "web/field.h"
#include "web/health.h"
#include "web/hook_ses.h"
#include "web/host.h"
#include "web/import.h"
#include "web/invitation.h"
#include "web/installation.h"
#include "web/list.h"
#include "web/me.h"
#include "web/member.h"
#include "web/openapi.h"
#include "web/outbox.h"
#include "web/password_reset.h"
#include "web/provider.h"
#include "web/recipient.h"
#include "web/report.h"
#include "web/second_factor.h"
#include "web/session.h"
#include "web/setup.h"
#include "web/subscriber.h"
#include "web/supabase.h"
#include "web/suppression.h"
#include "web/track.h"
#include "web/user.h"

/* method, pattern, handler, page, access, again, flags */
/* clang-format off */
const struct route routes[] = {
	/* ---- identity ---- */
	{ GET,    "/setup/{*}", setup_show, "setup/show", ACCESS_PUBLIC, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/setup/{*}", setup_do, "setup/show", ACCESS_PUBLIC, setup_show, ROUTE_PAGE_ONLY },
	{ GET,    "/sign-in", sign_in_show, "session/sign_in", ACCESS_PUBLIC, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/sign-in", sign_in_do, "session/sign_in", ACCESS_PUBLIC, sign_in_show, ROUTE_PAGE_ONLY },
	{ POST,   "/sign-out", sign_out_do, NULL, ACCESS_SIGNED_IN, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/invitations/{*}", invitation_show, "invitation/show", ACCESS_PUBLIC, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/invitations/{*}", invitation_take, "invitation/show", ACCESS_PUBLIC, invitation_show, ROUTE_PAGE_ONLY },
	{ GET,    "/auth/callback", supabase_callback, "session/refused", ACCESS_PUBLIC, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/auth/{*}", supabase_go, "session/refused", ACCESS_PUBLIC, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/sign-in/code", sign_in_code_show, "session/code", ACCESS_PUBLIC, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/sign-in/code", sign_in_code_do, "session/code", ACCESS_PUBLIC, sign_in_code_show, ROUTE_PAGE_ONLY },
	{ GET,    "/forgot", password_reset_new, "password_reset/new", ACCESS_PUBLIC, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/forgot", password_reset_send, "password_reset/new", ACCESS_PUBLIC, password_reset_new, ROUTE_PAGE_ONLY },
	{ GET,    "/reset/{*}", password_reset_show, "password_reset/show", ACCESS_PUBLIC, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/reset/{*}", password_reset_do, "password_reset/show", ACCESS_PUBLIC, password_reset_show, ROUTE_PAGE_ONLY },
	{ GET,    "/openapi.json", openapi_show, NULL, ACCESS_PUBLIC, NULL, ROUTE_API_ONLY },
	{ GET,    "/me", me_show, NULL, ACCESS_SIGNED_IN, NULL, ROUTE_API_ONLY },
	{ PATCH,  "/me", account_rename, NULL, ACCESS_PERSON, NULL, ROUTE_API_ONLY | ROUTE_WHOLE },
	{ GET,    "/account", account_show, "account/show", ACCESS_PERSON, NULL, ROUTE_PAGE_ONLY },
	{ PATCH,  "/account", account_rename, "account/show", ACCESS_PERSON, account_show, ROUTE_PAGE_ONLY | ROUTE_WHOLE },
	{ POST,   "/account/password", account_password, "account/show", ACCESS_PERSON, account_show, ROUTE_PAGE_ONLY },
	{ GET,    "/account/second-factor", second_factor_show, "account/factor", ACCESS_PERSON, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/account/second-factor", second_factor_on, "account/factor", ACCESS_PERSON, second_factor_show, ROUTE_PAGE_ONLY },
	{ DELETE, "/account/second-factor", second_factor_off, "account/factor", ACCESS_PERSON, second_factor_show, ROUTE_PAGE_ONLY },
	{ POST,   "/account/recovery-codes", second_factor_codes, "account/factor", ACCESS_PERSON, second_factor_show, ROUTE_PAGE_ONLY },
	{ GET,    "/account/link", supabase_link_show, "account/link", ACCESS_PERSON, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/account/link", supabase_link_begin, "account/link", ACCESS_PERSON, supabase_link_show, ROUTE_PAGE_ONLY },
	{ DELETE, "/account/link", supabase_link_end, NULL, ACCESS_PERSON, NULL, ROUTE_PAGE_ONLY | ROUTE_WHOLE },
	{ GET,    "/account/sessions", account_sessions, NULL, ACCESS_PERSON, NULL, ROUTE_API_ONLY },
	{ DELETE, "/account/sessions", account_end_others, NULL, ACCESS_PERSON, NULL, ROUTE_WHOLE },
	{ DELETE, "/account/sessions/{}", account_end_session, NULL, ACCESS_PERSON, NULL, ROUTE_WHOLE },

	/* ---- the installation ---- */
	{ GET,    "/hosts", host_index, "host/index", VIEW_INSTALLATION, NULL, 0 },
	{ POST,   "/hosts/confirm", host_confirm_do, "host/index", ACCESS_INSTALLATION, host_index, 0 },

	/* ---- the installation ---- */
	{ GET,    "/users", user_index, "user/index", VIEW_INSTALLATION, NULL, 0 },
	{ PATCH,  "/users/{}", user_change, "user/index", MANAGE_USERS, user_index, ROUTE_WHOLE },
	{ POST,   "/users/{}/reset-link", user_reset_link, "user/index", MANAGE_USERS, user_index, ROUTE_PAGE_ONLY | ROUTE_WHOLE },
	{ DELETE, "/users/{}/second-factor", user_drop_factor, NULL, MANAGE_USERS, user_index, ROUTE_PAGE_ONLY | ROUTE_WHOLE },
	{ GET,    "/installation", installation_show, "installation/show", VIEW_INSTALLATION, NULL, 0 },
	{ PATCH,  "/installation", installation_update, "installation/show", ACCESS_INSTALLATION, installation_show, ROUTE_WHOLE },
	{ POST,   "/installation/test", installation_test, "installation/show", ACCESS_INSTALLATION, installation_show, ROUTE_PAGE_ONLY },

	/* ---- brands ---- */
	{ GET,    "/", home_show, NULL, ACCESS_SIGNED_IN, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/audit", audit_index, "audit/index", VIEW_INSTALLATION, NULL, 0 },
	{ GET,    "/audit.csv", audit_csv, NULL, VIEW_INSTALLATION, NULL, 0 },
	{ GET,    "/brands", brand_index, "brand/index", ACCESS_SIGNED_IN, NULL, 0 },
	{ POST,   "/brands", brand_make, "brand/new", ACCESS_INSTALLATION, brand_new, ROUTE_WHOLE },
	{ GET,    "/brands/new", brand_new, "brand/new", ACCESS_INSTALLATION, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}", brand_show, "brand/show", VIEW_BRAND, NULL, 0 },
	{ PATCH,  "/brands/{}", brand_update, "brand/settings", MANAGE_BRAND, brand_edit, ROUTE_WHOLE },
	{ GET,    "/brands/{}/settings", brand_edit, "brand/settings", MANAGE_BRAND, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/provider", provider_show, "provider/show", VIEW_BRAND, NULL, 0 },
	{ PUT,    "/brands/{}/provider", provider_update, "provider/show", MANAGE_BRAND, provider_show, ROUTE_WHOLE },
	{ POST,   "/brands/{}/provider/check", provider_check, "provider/show", MANAGE_BRAND, provider_show, 0 },
	{ POST,   "/brands/{}/provider/topics", provider_begin_topic, "provider/show", MANAGE_BRAND, provider_show, ROUTE_WHOLE },
	{ DELETE, "/brands/{}/provider/topics/{}", provider_drop_topic, NULL, MANAGE_BRAND, NULL, ROUTE_WHOLE },
	{ GET,    "/brands/{}/members", member_index, "member/index", VIEW_MANAGEMENT, NULL, 0 },
	{ POST,   "/brands/{}/members", member_make, "member/index", MANAGE_TEAM, member_index, ROUTE_WHOLE },
	{ PATCH,  "/brands/{}/members/{}", member_update, "member/index", MANAGE_TEAM, member_index, ROUTE_WHOLE },
	{ DELETE, "/brands/{}/members/{}", member_expel, "member/index", MANAGE_TEAM, member_index, ROUTE_WHOLE },
	{ GET,    "/brands/{}/members/{}/owner", member_confirm_hand_over, "member/owner", OWN_BRAND, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/brands/{}/members/{}/owner", member_make_owner, "member/owner", OWN_BRAND, member_confirm_hand_over, ROUTE_WHOLE },
	{ GET,    "/brands/{}/leave", member_confirm_leave, "member/leave", LEAVE_BRAND, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/brands/{}/leave", member_leave, "member/leave", LEAVE_BRAND, member_confirm_leave, ROUTE_WHOLE },
	{ GET,    "/brands/{}/invitations", invitation_index, NULL, VIEW_MANAGEMENT, NULL, ROUTE_API_ONLY },
	{ POST,   "/brands/{}/invitations", invitation_create, "member/index", MANAGE_TEAM, member_index, 0 },
	{ POST,   "/brands/{}/invitations/{}/renew", invitation_again, "member/index", MANAGE_TEAM, member_index, 0 },
	{ DELETE, "/brands/{}/invitations/{}", invitation_withdraw, "member/index", MANAGE_TEAM, member_index, ROUTE_WHOLE },
	{ GET,    "/brands/{}/keys", api_key_index, "api_key/index", VIEW_MANAGEMENT, NULL, 0 },
	{ POST,   "/brands/{}/keys", api_key_make, "api_key/index", MANAGE_TEAM, api_key_index, ROUTE_WHOLE },
	{ DELETE, "/brands/{}/keys/{}", api_key_drop, NULL, MANAGE_TEAM, NULL, ROUTE_WHOLE },
	{ GET,    "/brands/{}/audit", audit_index, "audit/index", VIEW_MANAGEMENT, NULL, 0 },
	{ GET,    "/brands/{}/audit.csv", audit_csv, NULL, VIEW_MANAGEMENT, NULL, 0 },

	/* ---- contacts: lists, fields, subscribers, imports ---- */
	{ GET,    "/brands/{}/lists", list_index, "list/index", VIEW_CONTACTS, NULL, 0 },
	{ POST,   "/brands/{}/lists", list_make, "list/new", EDIT_CONTACTS, list_new, ROUTE_WHOLE },
	{ GET,    "/brands/{}/lists/new", list_new, "list/new", EDIT_CONTACTS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/lists/{}", list_show, "list/show", VIEW_CONTACTS, NULL, 0 },
	{ PATCH,  "/brands/{}/lists/{}", list_update, "list/edit", EDIT_CONTACTS, list_edit, ROUTE_WHOLE },
	{ DELETE, "/brands/{}/lists/{}", list_drop, "list/delete", EDIT_CONTACTS, list_confirm_drop, ROUTE_WHOLE },
	{ GET,    "/brands/{}/lists/{}/edit", list_edit, "list/edit", EDIT_CONTACTS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/lists/{}/delete", list_confirm_drop, "list/delete", EDIT_CONTACTS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/fields", field_index, "field/index", VIEW_CONTACTS, NULL, 0 },
	{ POST,   "/brands/{}/fields", field_make, "field/new", EDIT_CONTACTS, field_new, ROUTE_WHOLE },
	{ GET,    "/brands/{}/fields/new", field_new, "field/new", EDIT_CONTACTS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/fields/{}", field_show, NULL, VIEW_CONTACTS, NULL, ROUTE_API_ONLY },
	{ PATCH,  "/brands/{}/fields/{}", field_update, "field/edit", EDIT_CONTACTS, field_edit, ROUTE_WHOLE },
	{ DELETE, "/brands/{}/fields/{}", field_drop, NULL, EDIT_CONTACTS, NULL, ROUTE_WHOLE },
	{ GET,    "/brands/{}/fields/{}/edit", field_edit, "field/edit", EDIT_CONTACTS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/fields/{}/delete", field_confirm_drop, "field/delete", EDIT_CONTACTS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/subscribers", subscriber_index, "subscriber/index", VIEW_CONTACTS, NULL, 0 },
	{ GET,    "/brands/{}/subscribers.csv", subscriber_csv, NULL, VIEW_CONTACTS, NULL, 0 },
	{ POST,   "/brands/{}/subscribers", subscriber_make, "subscriber/new", EDIT_CONTACTS, subscriber_new, ROUTE_WHOLE },
	{ POST,   "/brands/{}/subscribers/upsert", subscriber_put, NULL, EDIT_CONTACTS, NULL, ROUTE_API_ONLY | ROUTE_WHOLE },
	{ GET,    "/brands/{}/subscribers/new", subscriber_new, "subscriber/new", EDIT_CONTACTS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/subscribers/{}", subscriber_show, "subscriber/show", VIEW_CONTACTS, NULL, 0 },
	{ PATCH,  "/brands/{}/subscribers/{}", subscriber_update, "subscriber/edit", EDIT_CONTACTS, subscriber_edit, ROUTE_WHOLE },
	{ DELETE, "/brands/{}/subscribers/{}", subscriber_drop, NULL, EDIT_CONTACTS, NULL, ROUTE_WHOLE },
	{ GET,    "/brands/{}/subscribers/{}/edit", subscriber_edit, "subscriber/edit", EDIT_CONTACTS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/subscribers/{}/delete", subscriber_confirm_drop, "subscriber/delete", EDIT_CONTACTS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/suppressions", suppression_index, "suppression/index", VIEW_CONTACTS, NULL, 0 },
	{ GET,    "/brands/{}/suppressions.csv", suppression_csv, NULL, VIEW_CONTACTS, NULL, 0 },
	{ POST,   "/brands/{}/suppressions", suppression_put, "suppression/new", EDIT_CONTACTS, suppression_new, ROUTE_WHOLE },
	{ GET,    "/brands/{}/suppressions/new", suppression_new, "suppression/new", EDIT_CONTACTS, NULL, ROUTE_PAGE_ONLY },
	{ DELETE, "/brands/{}/suppressions", suppression_drop, "suppression/lift", MANAGE_BRAND, suppression_ask, ROUTE_WHOLE },
	{ GET,    "/brands/{}/suppressions/lift", suppression_ask, "suppression/lift", MANAGE_BRAND, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/imports", import_index, "import/index", VIEW_CONTACTS, NULL, 0 },
	{ POST,   "/brands/{}/imports", import_make, "import/new", EDIT_CONTACTS, import_new, ROUTE_BIG },
	{ GET,    "/brands/{}/imports/new", import_new, "import/new", EDIT_CONTACTS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/imports/{}", import_show, "import/show", VIEW_CONTACTS, NULL, 0 },
	{ POST,   "/brands/{}/imports/{}/start", import_begin, "import/map", EDIT_CONTACTS, import_show, 0 },
	{ GET,    "/brands/{}/imports/{}/cancel", import_confirm_stop, "import/cancel", EDIT_CONTACTS, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/brands/{}/imports/{}/cancel", import_stop, NULL, EDIT_CONTACTS, NULL, 0 },
	{ GET,    "/brands/{}/imports/{}/refused.csv", import_refused_csv, NULL, VIEW_CONTACTS, NULL, 0 },
	{ GET,    "/brands/{}/imports/{}/notes.csv", import_notes_csv, NULL, VIEW_CONTACTS, NULL, 0 },
	{ POST,   "/brands/{}/imports/{}/read", import_again, "import/map", EDIT_CONTACTS, import_show, 0 },

	/* ---- campaigns, recipients, outbox ---- */
	{ GET,    "/brands/{}/campaigns", campaign_index, "campaign/index", VIEW_CAMPAIGNS, NULL, 0 },
	{ POST,   "/brands/{}/campaigns", campaign_make, "campaign/new", EDIT_CAMPAIGNS, campaign_new, ROUTE_LARGE | ROUTE_WHOLE },
	{ GET,    "/brands/{}/campaigns/new", campaign_new, "campaign/new", EDIT_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/campaigns/{}", campaign_show, "campaign/live", VIEW_CAMPAIGNS, NULL, 0 },
	{ PATCH,  "/brands/{}/campaigns/{}", compose_save, "campaign/content", EDIT_CAMPAIGNS, compose_content, ROUTE_LARGE },
	{ DELETE, "/brands/{}/campaigns/{}", campaign_drop, NULL, EDIT_CAMPAIGNS, NULL, ROUTE_WHOLE },
	{ GET,    "/brands/{}/campaigns/{}/delete", campaign_confirm_drop, "campaign/delete", EDIT_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/brands/{}/campaigns/{}/duplicate", campaign_duplicate, NULL, EDIT_CAMPAIGNS, NULL, ROUTE_WHOLE },
	{ POST,   "/brands/{}/campaigns/{}/follow", campaign_follow_up, NULL, EDIT_CAMPAIGNS, NULL, ROUTE_WHOLE },
	{ GET,    "/brands/{}/campaigns/{}/audience", compose_audience, "campaign/audience", EDIT_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ PUT,    "/brands/{}/campaigns/{}/audience", compose_choose, "campaign/audience", EDIT_CAMPAIGNS, compose_audience, ROUTE_WHOLE },
	{ GET,    "/brands/{}/reach", compose_count, "campaign/reach", VIEW_CAMPAIGNS, NULL, 0 },
	{ GET,    "/brands/{}/campaigns/{}/content", compose_content, "campaign/content", EDIT_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/campaigns/{}/preview", compose_preview, NULL, VIEW_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/campaigns/{}/checklist", compose_checklist, "campaign/checklist", VIEW_CAMPAIGNS, NULL, 0 },
	{ GET,    "/brands/{}/campaigns/{}/test", compose_test_page, "campaign/test", EDIT_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/brands/{}/campaigns/{}/test", compose_test, "campaign/test", SEND_CAMPAIGNS, compose_test_page, 0 },
	{ GET,    "/brands/{}/campaigns/{}/send", compose_when, "campaign/send", EDIT_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/brands/{}/campaigns/{}/send", compose_send, "campaign/send", SEND_CAMPAIGNS, compose_when, 0 },
	{ POST,   "/brands/{}/campaigns/{}/schedule", compose_schedule, "campaign/send", SEND_CAMPAIGNS, compose_when, 0 },
	{ POST,   "/brands/{}/campaigns/{}/pause", campaign_do_pause, NULL, SEND_CAMPAIGNS, NULL, ROUTE_WHOLE },
	{ POST,   "/brands/{}/campaigns/{}/resume", campaign_do_resume, NULL, SEND_CAMPAIGNS, NULL, ROUTE_WHOLE },
	{ GET,    "/brands/{}/campaigns/{}/cancel", campaign_confirm_cancel, "campaign/cancel", SEND_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/brands/{}/campaigns/{}/cancel", campaign_do_cancel, NULL, SEND_CAMPAIGNS, NULL, ROUTE_WHOLE },
	{ GET,    "/brands/{}/campaigns/{}/doubt", doubt_confirm, "campaign/doubt", SEND_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/brands/{}/campaigns/{}/doubt", doubt_decide, "campaign/doubt", SEND_CAMPAIGNS, doubt_confirm, ROUTE_WHOLE },
	{ GET,    "/brands/{}/campaigns/{}/recipients", recipient_index, "recipient/index", VIEW_CAMPAIGNS, NULL, 0 },
	{ GET,    "/brands/{}/campaigns/{}/recipients.csv", recipient_csv, NULL, VIEW_CAMPAIGNS, NULL, 0 },
	{ GET,    "/brands/{}/outbox", outbox_index, "outbox/index", VIEW_CAMPAIGNS, NULL, 0 },
	{ GET,    "/brands/{}/outbox/{}", outbox_show, "outbox/show", VIEW_CAMPAIGNS, NULL, 0 },
	{ GET,    "/brands/{}/outbox/{}/html", outbox_html, NULL, VIEW_CAMPAIGNS, NULL, 0 },
	{ GET,    "/brands/{}/outbox/{}/raw", outbox_raw, NULL, VIEW_CAMPAIGNS, NULL, 0 },

	/* ---- reports ---- */
	{ GET,    "/brands/{}/campaigns/{}/report", report_show, NULL, VIEW_CAMPAIGNS, NULL, ROUTE_API_ONLY },

	/* ---- from mails and providers: /t/ /u/ /hooks/ ---- */
	{ GET,    "/t/o/{*}", track_open, NULL, ACCESS_PUBLIC, NULL, ROUTE_RAW },
	{ GET,    "/t/c/{*}", track_click, NULL, ACCESS_PUBLIC, NULL, ROUTE_RAW },
	{ GET,    "/u/{*}", unsubscribe_show, "unsubscribe/show", ACCESS_PUBLIC, NULL, ROUTE_RAW },
	{ POST,   "/hooks/ses/{*}", hook_ses, NULL, ACCESS_PUBLIC, NULL, ROUTE_RAW | ROUTE_NOTICE },
	{ POST,   "/u/{*}", unsubscribe_do, "unsubscribe/show", ACCESS_PUBLIC, NULL, ROUTE_RAW },

	/* ---- operation: /cron/ /healthz /readyz /metrics ---- */
	{ POST,   "/cron/send", cron_send, NULL, ACCESS_CRON, NULL, ROUTE_RAW },
	{ POST,   "/cron/jobs", cron_jobs, NULL, ACCESS_CRON, NULL, ROUTE_RAW },
	{ GET,    "/healthz", health_live, NULL, ACCESS_PUBLIC, NULL, ROUTE_RAW },
	{ GET,    "/readyz", health_ready, NULL, ACCESS_PUBLIC, NULL, ROUTE_RAW },
	{ GET,    "/metrics", health_metrics, NULL, ACCESS_PUBLIC, NULL, ROUTE_RAW },
};
/* clang-format on */

const size_t route_count = sizeof(routes) / sizeof(*routes);
