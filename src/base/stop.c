#include "base/stop.h"

#include <signal.h>

bool stop_wanted(void)
{
	sigset_t set;

	return sigpending(&set) == 0 && sigismember(&set, SIGTERM) == 1;
}
