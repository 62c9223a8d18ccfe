#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	CAMPAIGN_NAME_MAX = 150,
	SUBJECT_MAX = 250,
	PREVIEW_MAX = 250,
	HTML_MAX = 2 * 1024 * 1024,
	LISTS_MAX = 100
};

enum campaign_status {
	CAMPAIGN_DRAFT,
	CAMPAIGN_SCHEDULED,
	CAMPAIGN_SENDING,
	CAMPAIGN_PAUSED,
	CAMPAIGN_COMPLETED,
	CAMPAIGN_CANCELLED
};
/* Who gets it: members of lists; or of the parent, who did not open, or was left. */
enum audience_kind { AUDIENCE_LISTS, AUDIENCE_UNOPENED, AUDIENCE_UNSENT };
enum doubt_policy { DOUBT_HOLD, DOUBT_EVIDENCE, DOUBT_RESEND };

struct campaign {
	int64_t id, brand_id;
	enum campaign_status status;
	const char *name, *subject, *preview_text, *html, *text;
	const char *from_name, *from_email, *reply_to;
	bool track_opens, track_clicks;
	enum doubt_policy on_doubt;
	int64_t send_at;
	const char *send_zone;
	int64_t audience, freeze_after;
	int64_t frozen_at, started_at, finished_at;
	const char *pause_reason;
	int64_t resume_at; /* of paused: goes on by itself; 0: waits for a person */
	int64_t resends;   /* mails in doubt that were sent again */
	int64_t parent_id; /* the campaign it follows; 0: none */
	enum audience_kind audience_kind;
	int64_t version;
	int64_t created_at, updated_at;
	int64_t *lists, *exclude_lists; /* where loaded */
	unsigned long nlists, nexclude_lists;
};

/* campaign_stats: the rollup of one campaign's events; all zero while there is none. */
struct campaign_stats {
	int64_t delivered;
	/* people each once; all by people, where a click alone proves one as well */
	int64_t opened, opens;
	int64_t machine_opened, machine_opens; /* recipients opened by machines only */
	int64_t clicked, clicks, machine_clicked, machine_clicks;
	int64_t bounced, soft_bounced, complained, unsubscribed;
	int64_t last_event_at;
};
