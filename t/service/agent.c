#include "tap.h"

#include <stddef.h>

#include "service/agent.h"

static void person(const char *ua, enum client_family family)
{
	struct agent a = agent_read(ua);

	ok(a.reason == MACHINE_NOT, "takes %s for a person", client_name(family));
	is_text(client_name(a.family), client_name(family), "and names the client");
}

static void machine(const char *ua, const char *what)
{
	ok(agent_read(ua).reason != MACHINE_NOT, "takes %s for a machine", what);
}

/* Telephones whose names hold the words of robots, and robots that say "Android". */
static void telephones(void)
{
	person("Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, "
	       "like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
	    CLIENT_ANDROID);
	person("Mozilla/5.0 (Linux; Android 7.0; M bot 61 Build/XYZ01A; wv) "
	       "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/67.0 Mobile "
	       "Safari/537.36",
	    CLIENT_ANDROID);
	person("Dalvik/2.1.0 (Linux; U; Android 8.1.0; CUBOT NOTE S Build/O11019)",
	    CLIENT_ANDROID);
	person("Mozilla/5.0 (Linux; Android 6.0; LOGICOM M bot 60) AppleWebKit/537.36 "
	       "Chrome/64.0 Mobile Safari/537.36",
	    CLIENT_ANDROID);
	person("Mozilla/5.0 (Linux; Android 8.1; ScanPal EDA50) AppleWebKit/537.36 "
	       "Chrome/90.0 Mobile Safari/537.36",
	    CLIENT_ANDROID);
	person("Mozilla/5.0 (Linux; Android 10; P60) AppleWebKit/537.36 Chrome/90.0 "
	       "Mobile Safari/537.36 [FBAN/FB4A;FBMF/CUBOT;FBBD/CUBOT;FBDV/CUBOT_P60]",
	    CLIENT_ANDROID);
	machine("Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) "
		"AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile "
		"Safari/537.36 (compatible; Googlebot/2.1; "
		"+http://www.google.com/bot.html)",
	    "Googlebot as a telephone");
	machine("Mozilla/5.0 (Linux; Android 7.0;) AppleWebKit/537.36 (KHTML, like "
		"Gecko) Mobile Safari/537.36 (compatible; PetalBot;"
		"+https://webmaster.petalsearch.com/site/petalbot)",
	    "PetalBot");
	machine("Mozilla/5.0 (Linux; Android 5.0; compatible; Examplebot)",
	    "a robot in the place of the telephone");
	machine("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
	    "Slackbot");
	machine("TelegramBot (like TwitterBot)", "TelegramBot");
}

static void gmail(void)
{
	static const char proxy[] = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko "
				    "Firefox/11.0 (via ggpht.com GoogleImageProxy)";
	struct agent a = agent_read(proxy);

	is_int(agent_reason(a, EVENT_OPEN, SENT_UNKNOWN), MACHINE_NOT,
	    "Gmail's proxy fetches for a person");
	is_int(agent_reason(a, EVENT_OPEN, 1500), MACHINE_DELIVERY,
	    "unless the mail was just handed over");
	is_int(agent_reason(a, EVENT_OPEN, -300), MACHINE_DELIVERY,
	    "or is about to be noted as handed over");
	is_int(agent_reason(a, EVENT_OPEN, 60000), MACHINE_NOT,
	    "a minute later it is a person again");
	a = agent_read("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
		       "(KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 "
		       "Edge/12.246 Mozilla/5.0");
	is_int(a.reason, MACHINE_DELIVERY, "what Gmail fetches ahead is a machine's");
	is_text(client_name(a.family), "Gmail", "and Gmail's");
	a = agent_read("Thunderbird/115");
	is_int(agent_reason(a, EVENT_OPEN, 10), MACHINE_NOT,
	    "a mail program may be as quick");
	is_text(machine_reason_name(MACHINE_BURST), "burst", "reasons have names");
	ok(machine_reason_name(MACHINE_NOT) == NULL, "a person needs none");
	is_int(client_family("Gmail"), CLIENT_GMAIL, "a name is read back");
	is_int(client_family("?"), CLIENT_UNKNOWN, "one that is none too");
}

int main(void)
{
	telephones();
	gmail();
	person("Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) "
	       "AppleWebKit/605.1.15 "
	       "(KHTML, like Gecko) Mobile/15E148",
	    CLIENT_APPLE_IPHONE);
	person("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
	       "(KHTML, like "
	       "Gecko)",
	    CLIENT_APPLE_MAC);
	person("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via "
	       "ggpht.com "
	       "GoogleImageProxy)",
	    CLIENT_GMAIL);
	person("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, "
	       "like Gecko) "
	       "Chrome/120.0.0.0 Safari/537.36 Edg/120.0",
	    CLIENT_EDGE);
	person("Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 "
	       "Thunderbird/115.4",
	    CLIENT_THUNDERBIRD);
	person("Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Microsoft Outlook "
	       "16.0)",
	    CLIENT_OUTLOOK_WINDOWS);
	machine("Mozilla/5.0", "Apple's privacy proxy");
	machine("", "an empty User-Agent");
	machine(NULL, "a missing User-Agent");
	machine("Mozilla/5.0 (compatible; Googlebot/2.1)", "a robot");
	machine("BarracudaCentral/1.0", "a scanner");
	machine("python-requests/2.31", "a program");
	machine("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "
		"HeadlessChrome/120.0",
	    "a browser without a window");
	is_text(client_name(-1), "Other", "names an unknown number Other");
	is_text(client_name(999), "Other", "and one too large");
	return done_testing();
}
