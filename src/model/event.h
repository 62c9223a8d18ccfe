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

/*
 * Why an open or a click is not a person's.  The numbers are stored in
 * email_events.reason.
 */
enum machine_reason {
	MACHINE_NOT,      /* a person's */
	MACHINE_PRIVACY,  /* Apple's proxy, which fetches every picture */
	MACHINE_NAMELESS, /* no User-Agent */
	MACHINE_PROGRAM,  /* a robot, a scanner or a program, by its own name */
	MACHINE_DELIVERY, /* fetched by the mailbox provider as it delivered */
	MACHINE_BURST,    /* several links within a second */
	MACHINE_REASONS
};

struct event {
	int64_t id, brand_id, campaign_id, subscriber_id;
	enum event_type type;
	enum machine_reason reason;
	int link;
	int rules;         /* version of the rules that judged it */
	const char *agent; /* User-Agent; NULL: not kept */
	int64_t sent_ms;   /* since the mail was handed over; SENT_UNKNOWN */
	const char *client, *detail;
	int64_t at;
};

#define SENT_UNKNOWN INT64_MIN

/* Of a User-Agent this is kept, with the NUL. */
enum { AGENT_MAX = 336 };
