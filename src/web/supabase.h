#pragma once

#include "http/router.h"

/* GET /auth/{provider}: to Supabase and its provider; query: next, link. */
handler supabase_go;
/* GET /auth/callback: back from there. */
handler supabase_callback;
/* The query `link` of supabase_go for who is signed in; NULL without a session. */
char *link_word(struct request *rq);
