#pragma once

/*
 * Random 256-bit value as 43 base64url characters: session ids, API keys, one-time
 * links.
 */
char *id_secret(void *mem);
/* Random 128-bit value as 32 hex characters: request ids, lock owners. */
char *id_random(void *mem);
