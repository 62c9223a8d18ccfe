#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The numbers are stored in email_events.type. */
enum event_type {
	EVENT_OPEN = 1, EVENT_CLICK, EVENT_UNSUBSCRIBE, EVENT_SEND, EVENT_DELIVERY, EVENT_BOUNCE,
	EVENT_SOFT_BOUNCE, EVENT_COMPLAINT, EVENT_REJECT, EVENT_DELAY, EVENT_RENDER_FAILURE
};

struct event {
	int64_t id, brand_id, campaign_id, subscriber_id;
	enum event_type type;
	bool machine;
	int link;
	const char *client, *detail;
	int64_t at;
};
