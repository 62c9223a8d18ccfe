#pragma once

#include <stdbool.h>

/*
 * Does the connection begin as nginx begins one: a request, its parameters, their end?
 * Looks without taking anything.  libfcgi believes every length it is told and aborts
 * when there is no such memory, so no other beginning is handed to it.  (A record of
 * management between those of the body can still end a worker: whoever may write to the
 * socket, which is nginx alone, is trusted that far.)  Waits for what is not there yet,
 * as long as the socket's receive time-out says, 10 s at most.
 */
bool fcgi_guard(int fd);
