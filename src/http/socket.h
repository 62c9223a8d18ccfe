#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/log.h"

/*
 * A listening Unix socket at path (backlog 511, mode 0660), non-blocking; one left by a
 * dead process is replaced.  ERR_CONFLICT when another process answers there, ERR_IO
 * otherwise; both are logged with what to do.
 */
enum err socket_open(const char *path, const struct log *lg, int *fd) MUST_CHECK;
/* fd 0, when it is a listening socket (a service manager's); made non-blocking. */
bool socket_inherit(int *fd);
