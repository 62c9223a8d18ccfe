#include "service/agent.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"

/* A proxy or a client is known by a part of what it says. */
struct sign {
	const char *text;
	enum client_family family;
};

/* What Gmail sends while it shows the mail in a list: no person has opened it. */
static const char gmail_ahead[] = "Edge/12.246 Mozilla/5.0";

static const struct sign proxies[] = {
	{ "GoogleImageProxy", CLIENT_GMAIL },
	{ "YahooMailProxy", CLIENT_YAHOO },
};

static const char *const programs[] = { "bot", "crawl", "spider", "scan", "preview",
	"barracuda", "proofpoint", "mimecast", "HeadlessChrome", "python", "curl/",
	"Wget/", "Go-http-client", "Java/", "okhttp", "libwww", "HttpClient" };

/* The first sign found decides, so the special ones stand before those they contain. */
static const struct sign clients[] = {
	{ "Outlook-iOS", CLIENT_OUTLOOK_MOBILE },
	{ "Outlook-Android", CLIENT_OUTLOOK_MOBILE },
	{ "MacOutlook", CLIENT_OUTLOOK_MAC },
	{ "Microsoft Outlook", CLIENT_OUTLOOK_WINDOWS },
	{ "MSOffice", CLIENT_OUTLOOK_WINDOWS }, { "ms-office", CLIENT_OUTLOOK_WINDOWS },
	{ "Thunderbird", CLIENT_THUNDERBIRD }, { "SamsungBrowser", CLIENT_SAMSUNG },
	{ "iPhone", CLIENT_APPLE_IPHONE }, { "iPad", CLIENT_APPLE_IPAD },
	{ "Edg/", CLIENT_EDGE }, { "Firefox/", CLIENT_FIREFOX },
	{ "Android", CLIENT_ANDROID }, { "Chrome/", CLIENT_CHROME },
	{ "Safari/", CLIENT_SAFARI },
	{ "Macintosh", CLIENT_APPLE_MAC }, /* without Safari: Apple Mail */
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

static const char *const reasons[MACHINE_REASONS] = {
	[MACHINE_PRIVACY] = "privacy_proxy",
	[MACHINE_NAMELESS] = "no_user_agent",
	[MACHINE_PROGRAM] = "program",
	[MACHINE_DELIVERY] = "at_delivery",
	[MACHINE_BURST] = "burst",
};

/* ---- names of telephones ---- */

static void blank(char *from, size_t n)
{
	memset(from, ' ', n);
}

/*
 * "(Linux; Android 9; CUBOT_X19 Build/P)": after the semicolon stands what the maker
 * calls the device.  A robot that says "Android" there names itself with an address or
 * a version.
 */
static void blank_device(char *ua)
{
	char *android = strcasestr(ua, "Android"), *end, *device;

	end = android ? strchr(android, ')') : NULL;
	device = android ? strchr(android, ';') : NULL;
	if (device == NULL || end == NULL || device > end)
		return;
	*end = '\0';
	if (strcasestr(device, "compatible") == NULL && strstr(device, "//") == NULL &&
	    strchr(device, '@') == NULL && strcasestr(device, "bot/") == NULL)
		blank(device, strlen(device));
	*end = ')';
}

/* Applications name the maker wherever they like: "FBMF/CUBOT", "Logicom M bot 60". */
static void blank_makers(char *ua)
{
	static const char *const makers[] = { "cubot", "m bot " };

	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++)
		for (char *p = ua; (p = strcasestr(p, makers[i])) != NULL; p++)
			blank(p, strlen(makers[i]));
}

static bool is_program(const char *ua)
{
	char plain[AGENT_MAX];
	size_t n = strnlen(ua, sizeof(plain) - 1);

	memcpy(plain, ua, n);
	plain[n] = '\0';
	blank_device(plain);
	blank_makers(plain);
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		if (strcasestr(plain, programs[i]) != NULL)
			return true;
	return false;
}

static bool find(const struct sign *s, size_t n, const char *ua,
    enum client_family *family)
{
	for (size_t i = 0; i < n; i++)
		if (strcasestr(ua, s[i].text) != NULL) {
			*family = s[i].family;
			return true;
		}
	return false;
}

struct agent agent_read(const char *ua)
{
	struct agent a = { CLIENT_UNKNOWN, MACHINE_NOT };

	if (ua == NULL || *ua == '\0')
		return (struct agent){ CLIENT_SCANNER, MACHINE_NAMELESS };
	if (strcmp(ua, "Mozilla/5.0") == 0)
		return (struct agent){ CLIENT_APPLE_PRIVACY, MACHINE_PRIVACY };
	if (text_ends(ua, gmail_ahead))
		return (struct agent){ CLIENT_GMAIL, MACHINE_DELIVERY };
	if (find(proxies, sizeof(proxies) / sizeof(*proxies), ua, &a.family))
		return a;
	if (is_program(ua))
		return (struct agent){ CLIENT_SCANNER, MACHINE_PROGRAM };
	find(clients, sizeof(clients) / sizeof(*clients), ua, &a.family);
	return a;
}

/* A person needs longer than this to see that there is a mail, and to open it. */
enum { AT_DELIVERY_MS = 10000 };

enum machine_reason agent_reason(struct agent a, enum event_type type, int64_t sent_ms)
{
	if (a.reason != MACHINE_NOT || type != EVENT_OPEN || a.family != CLIENT_GMAIL ||
	    sent_ms == SENT_UNKNOWN)
		return a.reason;
	return sent_ms > -AT_DELIVERY_MS && sent_ms < AT_DELIVERY_MS ? MACHINE_DELIVERY
								     : MACHINE_NOT;
}

const char *client_name(int family)
{
	return family >= 0 && family < CLIENT_FAMILIES ? names[family]
						       : names[CLIENT_UNKNOWN];
}

enum client_family client_family(const char *name)
{
	for (int i = 0; i < CLIENT_FAMILIES; i++)
		if (strcmp(names[i], name) == 0)
			return (enum client_family)i;
	return CLIENT_UNKNOWN;
}

const char *machine_reason_name(int reason)
{
	return reason > 0 && reason < MACHINE_REASONS ? reasons[reason] : NULL;
}
