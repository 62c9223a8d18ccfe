#pragma once

#include "model/event.h"

/*
 * Tells people from machines by one request alone.  Machines are: Apple's privacy
 * proxy, which fetches every picture of every mail (it sends exactly "Mozilla/5.0"),
 * robots, scanners and programs that say so, and requests without a User-Agent.  The
 * name of a telephone is none of these words: a Cubot is no robot.  Gmail's and Yahoo's
 * picture proxies fetch when a person opens, so they count as people, unless Gmail
 * fetches while it takes the mail.  What several requests together say is for
 * service/judge.
 */
struct agent {
	enum client_family family;
	enum machine_reason reason;
};

/* Of ua the first AGENT_MAX - 1 bytes are read; NULL or "": there was none. */
struct agent agent_read(const char *ua);
/* The same, knowing how long after the mail was handed over; SENT_UNKNOWN. */
enum machine_reason agent_reason(struct agent a, enum event_type type, int64_t sent_ms);
/* "Gmail", "Apple Mail, iPhone" ...: for reports. */
const char *client_name(int family);
/* The family that client_name names so; CLIENT_UNKNOWN. */
enum client_family client_family(const char *name);
/* "privacy_proxy", "burst" ...: for the API; NULL for MACHINE_NOT. */
const char *machine_reason_name(int reason);
