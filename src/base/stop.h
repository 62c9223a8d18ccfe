#pragma once

#include <stdbool.h>

/*
 * True once a worker has been told to finish: SIGTERM is blocked there and stays
 * pending, so there is no handler and no flag.  Long work asks between its steps.
 */
bool stop_wanted(void);
