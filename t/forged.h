#pragma once

#include <json-c/json.h>

/*
 * Projects at Supabase with their keys and tokens, good and forged, as t/fake/forge.mjs
 * makes them anew each time: [{issuer, alg, secret, now, jwks, tokens: [{name, token,
 * good}]}].  Without node the test is skipped.
 */
struct json_object *forged_tokens(void *mem);
