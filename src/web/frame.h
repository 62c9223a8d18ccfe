#pragma once

#include "http/response.h"

/*
 * Somebody's HTML as a document of its own, for <iframe sandbox="allow-popups
 * allow-popups-to-escape-sandbox" src=...>.  Its policy gives it an opaque origin: no
 * script, no cookie, no form, whatever the author wrote; pictures and inline style
 * only.  Links open beside the frame.
 */
enum err respond_frame(struct response *rs, const char *html);
/* Plain text for the same frames. */
enum err respond_frame_text(struct response *rs, const char *text);
