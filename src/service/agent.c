#include "service/agent.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct mark {
	const char *sign;
	enum client_family family;
	bool machine;
};

/* The first sign found decides, so the special ones stand before those they contain. */
static const struct mark marks[] = {
	{ "GoogleImageProxy", CLIENT_GMAIL, false },
	{ "YahooMailProxy", CLIENT_YAHOO, false }, { "bot", CLIENT_SCANNER, true },
	{ "crawl", CLIENT_SCANNER, true }, { "spider", CLIENT_SCANNER, true },
	{ "scan", CLIENT_SCANNER, true }, { "preview", CLIENT_SCANNER, true },
	{ "barracuda", CLIENT_SCANNER, true }, { "proofpoint", CLIENT_SCANNER, true },
	{ "mimecast", CLIENT_SCANNER, true },
	{ "HeadlessChrome", CLIENT_SCANNER, true }, { "python", CLIENT_SCANNER, true },
	{ "curl/", CLIENT_SCANNER, true }, { "Wget/", CLIENT_SCANNER, true },
	{ "Go-http-client", CLIENT_SCANNER, true }, { "Java/", CLIENT_SCANNER, true },
	{ "okhttp", CLIENT_SCANNER, true }, { "libwww", CLIENT_SCANNER, true },
	{ "HttpClient", CLIENT_SCANNER, true },
	{ "Outlook-iOS", CLIENT_OUTLOOK_MOBILE, false },
	{ "Outlook-Android", CLIENT_OUTLOOK_MOBILE, false },
	{ "MacOutlook", CLIENT_OUTLOOK_MAC, false },
	{ "Microsoft Outlook", CLIENT_OUTLOOK_WINDOWS, false },
	{ "MSOffice", CLIENT_OUTLOOK_WINDOWS, false },
	{ "ms-office", CLIENT_OUTLOOK_WINDOWS, false },
	{ "Thunderbird", CLIENT_THUNDERBIRD, false },
	{ "SamsungBrowser", CLIENT_SAMSUNG, false },
	{ "iPhone", CLIENT_APPLE_IPHONE, false }, { "iPad", CLIENT_APPLE_IPAD, false },
	{ "Edg/", CLIENT_EDGE, false }, { "Firefox/", CLIENT_FIREFOX, false },
	{ "Android", CLIENT_ANDROID, false }, { "Chrome/", CLIENT_CHROME, false },
	{ "Safari/", CLIENT_SAFARI, false },
	{ "Macintosh", CLIENT_APPLE_MAC,
	    false }, /* AppleWebKit without Safari: Apple Mail */
};

static const char *const names[CLIENT_FAMILIES] = {
	[CLIENT_UNKNOWN] = "Other",
	[CLIENT_APPLE_IPHONE] = "Apple Mail, iPhone",
	[CLIENT_APPLE_IPAD] = "Apple Mail, iPad",
	[CLIENT_APPLE_MAC] = "Apple Mail, Mac",
	[CLIENT_APPLE_PRIVACY] = "Apple privacy proxy",
	[CLIENT_GMAIL] = "Gmail",
	[CLIENT_OUTLOOK_WINDOWS] = "Outlook, Windows",
	[CLIENT_OUTLOOK_MAC] = "Outlook, Mac",
	[CLIENT_OUTLOOK_MOBILE] = "Outlook, phone",
	[CLIENT_YAHOO] = "Yahoo Mail",
	[CLIENT_THUNDERBIRD] = "Thunderbird",
	[CLIENT_SAMSUNG] = "Samsung",
	[CLIENT_CHROME] = "Chrome",
	[CLIENT_EDGE] = "Edge",
	[CLIENT_FIREFOX] = "Firefox",
	[CLIENT_SAFARI] = "Safari",
	[CLIENT_ANDROID] = "Android",
	[CLIENT_SCANNER] = "Scanner",
};

struct agent agent_read(const char *ua)
{
	if (ua == NULL || *ua == '\0')
		return (struct agent){ CLIENT_SCANNER, true };
	if (strcmp(ua, "Mozilla/5.0") == 0)
		return (struct agent){ CLIENT_APPLE_PRIVACY, true };
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (strcasestr(ua, marks[i].sign) != NULL)
			return (struct agent){ marks[i].family, marks[i].machine };
	return (struct agent){ CLIENT_UNKNOWN, false };
}

const char *client_name(int family)
{
	return family >= 0 && family < CLIENT_FAMILIES ? names[family]
						       : names[CLIENT_UNKNOWN];
}
