#pragma once

#include "http/router.h"

handler outbox_index;
handler outbox_show;
handler outbox_html; /* the HTML alone, for a sandboxed frame */
handler outbox_raw;  /* message/rfc822 */
