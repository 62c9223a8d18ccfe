#include "service/device.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

struct sign {
	const char *word, *name;
};

/* The first that stands in it: what builds on another names that one too. */
static const struct sign browsers[] = {
	{ "Edg", "Edge" },
	{ "OPR/", "Opera" },
	{ "SamsungBrowser/", "Samsung Internet" },
	{ "Vivaldi/", "Vivaldi" },
	{ "Firefox/", "Firefox" },
	{ "FxiOS/", "Firefox" },
	{ "CriOS/", "Chrome" },
	{ "Chrome/", "Chrome" },
	{ "Safari/", "Safari" },
};

static const struct sign systems[] = {
	{ "iPhone", "iPhone" },
	{ "iPad", "iPad" },
	{ "Android", "Android" },
	{ "CrOS", "Chrome OS" },
	{ "Windows", "Windows" },
	{ "Macintosh", "Mac" },
	{ "Linux", "Linux" },
	{ "FreeBSD", "FreeBSD" },
};

enum { PROGRAM_MAX = 40 };

static const char *first(const struct sign *s, size_t n, const char *agent)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(agent, s[i].word))
			return s[i].name;
	return NULL;
}

char *device_name(void *mem, const char *agent)
{
	const char *browser, *system;

	if (text_empty(agent))
		return mem_str(mem, "Unknown device");
	browser = first(browsers, sizeof(browsers) / sizeof(*browsers), agent);
	system = first(systems, sizeof(systems) / sizeof(*systems), agent);
	if (browser && system)
		return mem_printf(mem, "%s on %s", browser, system);
	if (browser || system)
		return mem_str(mem, browser ? browser : system);
	/* a program: "curl/8.5.0" */
	return mem_printf(mem, "%.*s", PROGRAM_MAX,
	    mem_strn(mem, agent, strcspn(agent, "/ (")));
}
