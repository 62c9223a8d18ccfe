#pragma once

#include "http/router.h"

/* The four steps of a draft. */
handler compose_audience;
handler compose_set_audience;
handler compose_count;		/* people of a choice not yet saved */
handler compose_content;
handler compose_save;		/* PATCH of the campaign: content, from page or API */
handler compose_checklist;
handler compose_when;		/* the page to send or schedule from */
handler compose_send;
handler compose_schedule;
/* The mail as one person gets it: a document of its own, for a sandboxed frame. */
handler compose_preview;
handler compose_test_page;
handler compose_test;
