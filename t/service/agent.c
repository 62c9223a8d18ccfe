#include "tap.h"

#include <stddef.h>

#include "service/agent.h"

static void person(const char *ua, enum client_family family)
{
	struct agent a = agent_read(ua);

	ok(!a.machine, "takes %s for a person", client_name(family));
	is_text(client_name(a.family), client_name(family), "and names the client");
}

static void machine(const char *ua, const char *what)
{
	ok(agent_read(ua).machine, "takes %s for a machine", what);
}

int main(void)
{
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
