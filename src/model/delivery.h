#pragma once

#include <stdint.h>

/*
 * States of a ledger row (campaign_subscribers.state).  The numbers are stored.  Open
 * states are those below DELIVERY_ACCEPTED; a campaign is completed only when none is
 * open.
 *
 *	pending -> claimed -> intent -> accepted | rejected | retry | doubt | given_up
 *	pending -> skipped | cancelled;  retry -> claimed
 *	doubt -> accepted (event) | retry (sent again) | given_up
 *	given_up -> accepted (event) | retry (sent again)
 *
 * The state follows from all attempts and never from the last one alone.  A row that
 * one of them has reached is accepted whatever it waited for; while a later one is
 * open, as soon as that has ended.  A row with a doubtful attempt never ends as one
 * that was not sent, whatever came of a later try: cancelled it is doubt again,
 * refused or left meanwhile it is given up.
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
	CAUSE_UNKNOWN = 0,   /* not ended yet, or from before this was stored */
	CAUSE_RECIPIENT = 1, /* this recipient, or this message */
	CAUSE_ACCOUNT = 2,   /* everybody: quota, throttling, suspension, settings */
	CAUSE_PROVIDER = 3,  /* everybody: no connection, or no clear answer */
	CAUSE_OURSELVES = 4, /* everybody: our own process ended, or had no room */
};

struct delivery {
	int64_t id, campaign_id, subscriber_id, attempt_id;
	enum delivery_state state;
	const char *email, *reason, *message_id;
	int tries;
	int64_t next_try_at, claimed_at, settled_at, delivered_at, bounced_at;
	int64_t opened_at, machine_opened_at, clicked_at, machine_clicked_at,
	    unsubscribed_at;
};

/* Rows per state; the sum is the audience. */
struct delivery_counts {
	int64_t n[DELIVERY_STATES];
	int64_t audience;
};
