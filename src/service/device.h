#pragma once

/* "Firefox on Linux", "Safari on iPhone": what a User-Agent says of itself, for people;
 * owned by mem. */
char *device_name(void *mem, const char *agent);
