#include "service/device.h"

#include "base/mem.h"
#include "tap.h"

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "device");
	static const char *const all[][2] = {
		{ "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 "
		  "Firefox/128.0",
		    "Firefox on Linux" },
		{ "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML,"
		  " like Gecko) Chrome/126.0.0.0 Safari/537.36",
		    "Chrome on Windows" },
		{ "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML,"
		  " like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
		    "Edge on Windows" },
		{ "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)"
		  " AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148"
		  " Safari/604.1",
		    "Safari on iPhone" },
		{ "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15"
		  " (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
		    "Safari on Mac" },
		{ "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML,"
		  " like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
		    "Chrome on Android" },
		{ "curl/7.88.1", "curl" },
		{ "", "Unknown device" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		is_text(device_name(mem, all[i][0]), all[i][1], "device_name knows %s",
		    all[i][1]);
	return done_testing();
}
