#pragma once

#include "repo/outbox.h"

/*
 * A kept message as it would stand on the wire (RFC 5322 and MIME, CRLF):
 * multipart/alternative of text and HTML, quoted-printable where needed, UTF-8.  Owned
 * by mem.
 */
char *mime_message(void *mem, const struct outbox_message *m);
