#pragma once

#include <stdbool.h>

#include "model/event.h"

/*
 * Tells people from machines by the User-Agent.  Machines are: Apple's privacy proxy,
 * which fetches every picture of every mail (it sends exactly "Mozilla/5.0"), link
 * scanners, robots and programs, and requests without a User-Agent.  Gmail's and
 * Yahoo's picture proxies fetch when a person opens, so they count as people.
 */
struct agent {
	enum client_family family;
	bool machine;
};

struct agent agent_read(const char *ua);
/* "Gmail", "Apple Mail, iPhone" ...: for reports. */
const char *client_name(int family);
