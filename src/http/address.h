#pragma once

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Which addresses an outgoing call may connect to.  Public is what is neither private,
 * loopback, link-local, unique-local, shared (100.64/10), multicast, reserved, nor an
 * IPv6 form that carries such an IPv4 address (mapped, 64:ff9b::/96, 6to4).
 */
bool address_is_public(const struct sockaddr *a);
bool address_is_loopback(const struct sockaddr *a);
/* "localhost", 127.x.y.z, [::1] as a URL writes the host. */
bool address_names_loopback(const char *host);
