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
 * Whether row p of the ledger of the campaign that is followed is one of the audience:
 * accepted, and nothing was heard of the person since; or left when it was cancelled.
 */
#define CAMPAIGN_FOLLOWS(kind)                                                         \
	"p.state = CASE " kind " WHEN 'unopened' THEN 4 WHEN 'unsent' THEN 8 END"      \
	"   AND (p.state = 8 OR p.opened_at IS NULL AND p.clicked_at IS NULL"          \
	"     AND p.bounced_at IS NULL AND p.complained_at IS NULL"                    \
	"     AND p.unsubscribed_at IS NULL)"

/* Which bit of a set of statuses a row has. */
#define CAMPAIGN_STATUS_BIT                                                            \
	"CASE c.status WHEN 'draft' THEN 1 WHEN 'scheduled' THEN 2 WHEN 'sending' "    \
	"THEN 4"                                                                       \
	" WHEN 'paused' THEN 8 WHEN 'completed' THEN 16 ELSE 32 END"

/* Reads CAMPAIGN_COLUMNS from column 0. */
void campaign_row_read(struct stmt *s, void *mem, struct campaign *c);
