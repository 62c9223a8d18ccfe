#pragma once

#include "sendtest.h"

/*
 * What the tests of t/fault share: triggers as processes of their own, and the joining
 * of our ledger with that of the fake of Amazon SES.
 */
struct trigger {
	const char *servers;   /* of memcached, as in the configuration; "": none */
	const char *failpoint; /* as base/failpoint.h says; NULL: none */
	int budget_ms;         /* 0: 20 s */
};
/* One slice of sending in a process of its own, as a cron worker is. */
pid_t faulttest_trigger(struct dbtest *t, const struct trigger *how);
/* Waits for it: its exit status, or minus the signal that ended it. */
int faulttest_wait(pid_t pid);
/*
 * Triggers one after another until campaign 5 is completed, 60 s at most; resumes it if
 * it has paused itself.
 */
bool faulttest_finish(struct dbtest *t, const struct trigger *how);
bool faulttest_done(struct dbtest *t);
/* Campaign 5 as it was before it was sent, and an empty ledger of the fake. */
void faulttest_reset(struct dbtest *t, const struct fake_ses *f);

/* How many people of campaign 5 ... */
struct verdict {
	int twice;      /* were accepted more than once */
	int unknown;    /* accepted, and our ledger has them neither so nor in doubt */
	int lost;       /* accepted as our ledger has it, and the fake knows nothing */
	int doubt_sent; /* in doubt, and were accepted */
	int no_attempt; /* calls the fake accepted without a durable attempt row (I5) */
};
struct verdict faulttest_compare(struct dbtest *t, const struct fake_ses *f,
    int people);
/* Counts it for t/fault/long, once at the end of a campaign. */
void faulttest_tell(struct dbtest *t, int people, const struct verdict *v);
/*
 * Five tests that must hold after every fault: completed, everybody has a row, the sum
 * is the audience with at most `doubt` in doubt, nobody twice, both ledgers agree.
 */
void faulttest_exact(struct dbtest *t, const struct fake_ses *f, int people,
    int64_t doubt, const char *name);
/* A number of the environment. */
int faulttest_number(const char *name, int dflt);
