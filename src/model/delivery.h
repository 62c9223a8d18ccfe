#pragma once

#include <stdint.h>

/*
 * States of a ledger row, as people see them and as they are counted.  The numbers are
 * stored (campaign_subscribers.state), but for 1, and 2 of a first try: a row that is
 * claimed or tried for the first time keeps its 0, for the range that was leased and
 * the open batch say so (repo/ledger.h).  Open states are those below
 * DELIVERY_ACCEPTED; a campaign is completed only when none is open.
 *
 *	pending -> claimed -> intent -> accepted | rejected | retry | doubt | given_up
 *	claimed -> skipped;  pending -> cancelled;  retry -> intent
 *	doubt -> accepted (event) | retry (sent again) | given_up
 *	given_up -> accepted (event) | retry (sent again)
 *
 * A row's state follows from all its attempts: one that was accepted makes it accepted,
 * and with a doubtful one it never ends as one that was not sent, whatever came of a
 * later try: cancelled it is doubt again, refused or left meanwhile it is given up.
 */
enum delivery_state {
	DELIVERY_PENDING = 0,
	DELIVERY_CLAIMED = 1,
	DELIVERY_INTENT = 2,
	DELIVERY_RETRY = 3,
	DELIVERY_ACCEPTED = 4,
	DELIVERY_REJECTED = 5,
	DELIVERY_SKIPPED = 6,
	DELIVERY_DOUBT = 7,
	DELIVERY_CANCELLED = 8,
	DELIVERY_GIVEN_UP = 9,
	DELIVERY_STATES
};

/*
 * Whom the end of an attempt is about (send_attempts.cause).  The numbers are stored.
 * Only answers about the recipient count against the recipient, and only what the
 * provider did speaks against the provider.
 */
enum attempt_cause {
	CAUSE_UNKNOWN = 0,   /* from before this was stored */
	CAUSE_RECIPIENT = 1, /* this recipient, or this message */
	CAUSE_ACCOUNT = 2,   /* everybody: quota, throttling, suspension, settings */
	CAUSE_PROVIDER = 3,  /* everybody: no connection, or no clear answer */
	CAUSE_OURSELVES = 4, /* everybody: our own process ended, or had no room */
};

struct delivery {
	int64_t id, campaign_id, subscriber_id;
	enum delivery_state state;
	const char *email, *reason, *message_id;
	int tries;
	int64_t next_try_at, settled_at, delivered_at, bounced_at;
	int64_t opened_at, machine_opened_at, clicked_at, machine_clicked_at,
	    unsubscribed_at;
};

/* Rows per state; the sum is the audience. */
struct delivery_counts {
	int64_t n[DELIVERY_STATES];
	int64_t audience;
};
