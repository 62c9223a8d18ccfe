#include "web/routes.h"

#include "web/access.h"
#include "web/api_key.h"
#include "web/brand.h"
#include "web/campaign.h"
#include "web/compose.h"
#include "web/cron.h"
#include "web/health.h"
#include "web/me.h"
#include "web/outbox.h"
#include "web/provider.h"
#include "web/recipient.h"
#include "web/report.h"
#include "web/session.h"
#include "web/setup.h"
#include "web/track.h"

/* method, pattern, handler, page, access, again, flags */
/* clang-format off */
const struct route routes[] = {
	/* ---- identity ---- */
	{ GET,    "/setup/{*}", setup_show, "setup/show", ACCESS_PUBLIC, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/setup/{*}", setup_do, "setup/show", ACCESS_PUBLIC, setup_show, ROUTE_PAGE_ONLY },
	{ GET,    "/sign-in", sign_in_show, "session/sign_in", ACCESS_PUBLIC, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/sign-in", sign_in_do, "session/sign_in", ACCESS_PUBLIC, sign_in_show, ROUTE_PAGE_ONLY },
	{ POST,   "/sign-out", sign_out_do, NULL, ACCESS_SIGNED_IN, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/me", me_show, NULL, ACCESS_SIGNED_IN, NULL, ROUTE_API_ONLY },

	/* ---- brands ---- */
	{ GET,    "/", home_show, NULL, ACCESS_SIGNED_IN, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands", brand_index, "brand/index", ACCESS_SIGNED_IN, NULL, 0 },
	{ POST,   "/brands", brand_make, "brand/new", ACCESS_INSTALLATION, brand_new, 0 },
	{ GET,    "/brands/new", brand_new, "brand/new", ACCESS_INSTALLATION, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}", brand_show, "brand/show", VIEW_BRAND, NULL, 0 },
	{ PATCH,  "/brands/{}", brand_update, "brand/settings", MANAGE_BRAND, brand_edit, 0 },
	{ GET,    "/brands/{}/settings", brand_edit, "brand/settings", MANAGE_BRAND, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/provider", provider_show, "provider/show", VIEW_BRAND, NULL, 0 },
	{ PUT,    "/brands/{}/provider", provider_update, "provider/show", MANAGE_BRAND, provider_show, 0 },
	{ POST,   "/brands/{}/provider/check", provider_check, "provider/show", MANAGE_BRAND, provider_show, 0 },
	{ GET,    "/brands/{}/keys", api_key_index, "api_key/index", MANAGE_BRAND, NULL, 0 },
	{ POST,   "/brands/{}/keys", api_key_make, "api_key/index", MANAGE_BRAND, api_key_index, 0 },
	{ DELETE, "/brands/{}/keys/{}", api_key_drop, NULL, MANAGE_BRAND, NULL, 0 },

	/* ---- contacts: lists, fields, subscribers, imports ---- */

	/* ---- campaigns, recipients, outbox ---- */
	{ GET,    "/brands/{}/campaigns", campaign_index, "campaign/index", VIEW_CAMPAIGNS, NULL, 0 },
	{ POST,   "/brands/{}/campaigns", campaign_make, "campaign/new", EDIT_CAMPAIGNS, campaign_new, ROUTE_LARGE },
	{ GET,    "/brands/{}/campaigns/new", campaign_new, "campaign/new", EDIT_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/campaigns/{}", campaign_show, "campaign/live", VIEW_CAMPAIGNS, NULL, 0 },
	{ PATCH,  "/brands/{}/campaigns/{}", compose_save, "campaign/content", EDIT_CAMPAIGNS, compose_content, ROUTE_LARGE },
	{ DELETE, "/brands/{}/campaigns/{}", campaign_drop, NULL, EDIT_CAMPAIGNS, NULL, 0 },
	{ GET,    "/brands/{}/campaigns/{}/delete", campaign_confirm_drop, "campaign/delete", EDIT_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/brands/{}/campaigns/{}/duplicate", campaign_duplicate, NULL, EDIT_CAMPAIGNS, NULL, 0 },
	{ GET,    "/brands/{}/campaigns/{}/audience", compose_audience, "campaign/audience", EDIT_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ PUT,    "/brands/{}/campaigns/{}/audience", compose_set_audience, "campaign/audience", EDIT_CAMPAIGNS, compose_audience, 0 },
	{ GET,    "/brands/{}/reach", compose_count, "campaign/reach", VIEW_CAMPAIGNS, NULL, 0 },
	{ GET,    "/brands/{}/campaigns/{}/content", compose_content, "campaign/content", EDIT_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/campaigns/{}/preview", compose_preview, NULL, VIEW_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ GET,    "/brands/{}/campaigns/{}/checklist", compose_checklist, "campaign/checklist", VIEW_CAMPAIGNS, NULL, 0 },
	{ GET,    "/brands/{}/campaigns/{}/test", compose_test_page, "campaign/test", EDIT_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/brands/{}/campaigns/{}/test", compose_test, "campaign/test", SEND_CAMPAIGNS, compose_test_page, 0 },
	{ GET,    "/brands/{}/campaigns/{}/send", compose_when, "campaign/send", EDIT_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/brands/{}/campaigns/{}/send", compose_send, "campaign/send", SEND_CAMPAIGNS, compose_when, 0 },
	{ POST,   "/brands/{}/campaigns/{}/schedule", compose_schedule, "campaign/send", SEND_CAMPAIGNS, compose_when, 0 },
	{ POST,   "/brands/{}/campaigns/{}/pause", campaign_do_pause, NULL, SEND_CAMPAIGNS, NULL, 0 },
	{ POST,   "/brands/{}/campaigns/{}/resume", campaign_do_resume, NULL, SEND_CAMPAIGNS, NULL, 0 },
	{ GET,    "/brands/{}/campaigns/{}/cancel", campaign_confirm_cancel, "campaign/cancel", SEND_CAMPAIGNS, NULL, ROUTE_PAGE_ONLY },
	{ POST,   "/brands/{}/campaigns/{}/cancel", campaign_do_cancel, NULL, SEND_CAMPAIGNS, NULL, 0 },
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
