#pragma once

#include <sys/types.h>

#include "app.h"
#include "dbtest.h"

/*
 * What tests of sending need: an app on a test database, a brand with people and a
 * campaign, and the strict fake of Amazon SES (t/fake/ses.mjs) as a child process.
 */
struct fake_ses {
	pid_t pid;
	int port;
	const char *ledger; /* file of JSON lines: what it accepted */
};

/* An app on t->db; kv_servers as config memcached.servers ("": local). */
struct app *sendtest_app(struct dbtest *t, const char *kv_servers);
/* The same on a connection of its own, for another process. */
struct app *sendtest_app_on(struct dbtest *t, void *mem, struct db *db,
    const char *kv_servers);
/* Brand 1 with list 1 of n people, and campaign 5 to it, sending, due. */
void sendtest_people(struct dbtest *t, int n);
/* Brand 1 sends through the fake. rate 0: as the account says. */
void sendtest_use_ses(struct dbtest *t, struct app *app, const struct fake_ses *f,
    const char *mode, double rate);
/* Skips the whole program if there is no node. args: more arguments, or "". */
void fake_ses_start(struct dbtest *t, struct fake_ses *f, const char *args);
/* Fault rules, as t/fake/ses.mjs describes them; "[]" for none. */
void fake_ses_script(const struct fake_ses *f, const char *json);
/* The keys that it takes from now on: {"ID": "secret"}. */
void fake_ses_keys(const struct fake_ses *f, const char *json);
/* A number of its GET /_stats; -1 if it has none of that name. */
int64_t fake_ses_stat(const struct fake_ses *f, const char *name);
/* Its ledger: one object a line, owned by mem (array). */
struct json_object *fake_ses_accepted(void *mem, const struct fake_ses *f);
void fake_ses_stop(struct fake_ses *f);
/*
 * 0 when counts, rows, audience and attempts of campaign 5 agree and the checker of the
 * ledger finds nothing; else how many things are wrong.
 */
int sendtest_check(struct dbtest *t);
/* As if nothing had ever been sent; the campaigns are told apart. */
#define SENDTEST_EMPTY                                                                 \
	"DELETE FROM campaign_subscribers; DELETE FROM campaign_counts;"               \
	"DELETE FROM send_attempts; DELETE FROM send_batches;"                         \
	"DELETE FROM send_leases; DELETE FROM send_cursors;"
/* Rows of campaign 5 in a state, as they stand in the table. */
int64_t sendtest_rows(struct dbtest *t, int state);
