#pragma once

#include "http/router.h"

struct app;

/*
 * Public addresses inside mails. GET changes nothing but counts; unsubscribing is a
 * POST.
 */
handler track_open; /* GET /t/o/{*}: the pixel */
/* GET /t/c/{*}: 302 to the link stored for that campaign */
handler track_click;
/*
 * Before the answers of a batch leave: what was counted for them is on the disk, and
 * the jobs are woken.
 */
void track_flush(struct app *app);
handler unsubscribe_show; /* GET /u/{*} */
/* POST /u/{*}: button of the page, or RFC 8058 one-click */
handler unsubscribe_do;
