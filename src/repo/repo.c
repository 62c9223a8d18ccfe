#include "repo/repo.h"

#include <stddef.h>

#include "repo/api_key.h"
#include "repo/audit.h"
#include "repo/brand.h"
#include "repo/campaign.h"
#include "repo/campaign_going.h"
#include "repo/consent.h"
#include "repo/event.h"
#include "repo/event_check.h"
#include "repo/field.h"
#include "repo/health.h"
#include "repo/host.h"
#include "repo/idempotency.h"
#include "repo/ledger.h"
#include "repo/ledger_check.h"
#include "repo/ledger_doubt.h"
#include "repo/ledger_recent.h"
#include "repo/ledger_event.h"
#include "repo/import.h"
#include "repo/import_rows.h"
#include "repo/invitation.h"
#include "repo/list.h"
#include "repo/outbox.h"
#include "repo/member.h"
#include "repo/password_reset.h"
#include "repo/people_count.h"
#include "repo/provider.h"
#include "repo/recipient.h"
#include "repo/recovery_code.h"
#include "repo/report.h"
#include "repo/sealed.h"
#include "repo/ses_topic.h"
#include "repo/session.h"
#include "repo/setting.h"
#include "repo/subscriber.h"
#include "repo/supabase.h"
#include "repo/suppression.h"
#include "repo/timeline.h"
#include "repo/user.h"
#include "repo/worker.h"

typedef enum err prepare(struct db *db);

static prepare *const all[] = {
	api_key_prepare,
	audit_prepare,
	brand_prepare,
	campaign_going_prepare,
	campaign_index_prepare,
	campaign_prepare,
	consent_prepare,
	event_check_prepare,
	event_count_prepare,
	event_prepare,
	field_prepare,
	health_prepare,
	host_prepare,
	idempotency_prepare,
	ledger_prepare,
	ledger_check_prepare,
	ledger_doubt_prepare,
	ledger_recent_prepare,
	ledger_event_prepare,
	import_prepare,
	import_rows_prepare,
	invitation_prepare,
	list_prepare,
	outbox_prepare,
	member_prepare,
	password_reset_prepare,
	people_count_prepare,
	provider_prepare,
	recipient_prepare,
	recovery_code_prepare,
	report_prepare,
	sealed_prepare,
	ses_topic_prepare,
	session_prepare,
	setting_prepare,
	subscriber_prepare,
	supabase_prepare,
	suppression_prepare,
	timeline_prepare,
	user_prepare,
	worker_prepare,
};

enum err repo_prepare(struct db *db)
{
	enum err e = OK;

	for (size_t i = 0; e == OK && i < sizeof(all) / sizeof(*all); i++)
		e = all[i](db);
	return e;
}
