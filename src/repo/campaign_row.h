#pragma once

#include "repo/campaign.h"

/*
 * What campaign.c and campaign_index.c share: the columns without bodies, of campaigns
 * c.
 */
#define CAMPAIGN_COLUMNS                                                               \
	"c.id, c.brand_id, c.name, c.status, c.subject, c.preview_text, c.from_name,"  \
	" c.from_email, c.reply_to, c.track_opens, c.track_clicks, c.on_doubt, "       \
	"c.send_at,"                                                                   \
	" c.send_zone, c.audience, c.freeze_after, c.frozen_at, c.started_at, "        \
	"c.finished_at,"                                                               \
	" c.pause_reason, c.version, c.created_at, c.updated_at, c.resends,"           \
	" c.resume_at, c.parent_id, c.audience_kind"

enum { CAMPAIGN_COLUMN_COUNT = 27 };

/*
 * Whether person s is one of the audience of a campaign that follows another: of those
 * whose mail was accepted, who did not open it; or who was left when it was cancelled.
 */
#define CAMPAIGN_FOLLOWS(parent, kind)                                                 \
	"EXISTS (SELECT 1 FROM campaign_subscribers p WHERE p.campaign_id = " parent   \
	"   AND p.subscriber_id = s.id AND CASE " kind                                 \
	"     WHEN 'unopened' THEN p.state = 4 AND p.opened_at IS NULL"                \
	"       AND p.clicked_at IS NULL AND p.bounced_at IS NULL"                     \
	"       AND p.complained_at IS NULL AND p.unsubscribed_at IS NULL"             \
	"     WHEN 'unsent' THEN p.state = 8 ELSE p.state < 0 END)"

/* Which bit of a set of statuses a row has. */
#define CAMPAIGN_STATUS_BIT                                                            \
	"CASE c.status WHEN 'draft' THEN 1 WHEN 'scheduled' THEN 2 WHEN 'sending' "    \
	"THEN 4"                                                                       \
	" WHEN 'paused' THEN 8 WHEN 'completed' THEN 16 ELSE 32 END"

/* Reads CAMPAIGN_COLUMNS from column 0. */
void campaign_row_read(struct stmt *s, void *mem, struct campaign *c);
