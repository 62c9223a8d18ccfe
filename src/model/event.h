#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The numbers are stored in email_events.type. */
enum event_type {
	EVENT_OPEN = 1,
	EVENT_CLICK,
	EVENT_UNSUBSCRIBE,
	EVENT_SEND,
	EVENT_DELIVERY,
	EVENT_BOUNCE,
	EVENT_SOFT_BOUNCE,
	EVENT_COMPLAINT,
	EVENT_REJECT,
	EVENT_DELAY,
	EVENT_RENDER_FAILURE
};

/*
 * What a pixel was fetched with, or a link followed with. The numbers are stored in the
 * spool.
 */
enum client_family {
	CLIENT_UNKNOWN,
	CLIENT_APPLE_IPHONE,
	CLIENT_APPLE_IPAD,
	CLIENT_APPLE_MAC,
	CLIENT_APPLE_PRIVACY,
	CLIENT_GMAIL,
	CLIENT_OUTLOOK_WINDOWS,
	CLIENT_OUTLOOK_MAC,
	CLIENT_OUTLOOK_MOBILE,
	CLIENT_YAHOO,
	CLIENT_THUNDERBIRD,
	CLIENT_SAMSUNG,
	CLIENT_CHROME,
	CLIENT_EDGE,
	CLIENT_FIREFOX,
	CLIENT_SAFARI,
	CLIENT_ANDROID,
	CLIENT_SCANNER,
	CLIENT_FAMILIES
};

struct event {
	int64_t id, brand_id, campaign_id, subscriber_id;
	enum event_type type;
	bool machine;
	int link;
	const char *client, *detail;
	int64_t at;
};
