#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app.h"
#include "model/brand.h"
#include "model/contact.h"
#include "send/compose.h"

/*
 * A way for mail to leave: outbox or ses.  A provider is made per slice (or test send)
 * with its account.  Messages are handed over with provider->send, which returns at
 * once; results come back from provider->step, each message exactly once.  Nothing is
 * ever sent twice by a provider itself: what to do with an outcome is the ledger's
 * matter.
 */
enum outcome {
	OUTCOME_NONE,
	OUTCOME_ACCEPTED, /* the provider has it */
	OUTCOME_REJECTED, /* definitely not sent, and will not be: this recipient or
			     this content */
	OUTCOME_RETRY,    /* definitely not sent: a passing failure of this message; try
			     again later, and not for ever */
	OUTCOME_LATER,    /* definitely not sent, and nothing was said about this
			     recipient: try again later, without an end */
	OUTCOME_SLOW,     /* the same, and everything is to go more slowly */
	OUTCOME_WAIT,  /* definitely not sent: nothing of this account can be for some
			  time: pause, and go on by itself */
	OUTCOME_STOP,  /* definitely not sent: nothing of this account can be until a
			  person has acted: pause, with the reason */
	OUTCOME_DOUBT, /* bytes left and no clear answer came */
};

/* One message under way.  Owned by the caller until it comes back. */
struct outgoing {
	int64_t delivery_id, batch_id, campaign_id; /* 0: none, a test */
	int tries;    /* of the delivery, this one included */
	int refusals; /* answers about this recipient before, that left hope */
	const struct content *content;
	const char *to;        /* address as frozen in the ledger */
	struct subscriber who; /* merge values */
	bool alone;            /* not in a bulk call: one that held it was refused */
	/* filled by the provider */
	enum outcome outcome;
	const char *message_id; /* of the provider, owned by the outgoing, or NULL */
	const char *reason; /* sentence for a person, owned by the outgoing or static */
	struct outgoing *next;
};

struct provider;
struct provider_ops {
	const char *name; /* "outbox", "ses" */
	/*
	 * How many more messages it takes now without queueing more than it can have in
	 * flight.
	 */
	size_t (*room)(struct provider *p);
	/*
	 * Takes n messages (a list through ->next is not needed: an array). Never
	 * blocks.
	 */
	void (*send)(struct provider *p, struct outgoing *const *batch, size_t n);
	/*
	 * Moves bytes for up to timeout_ms; finished messages are appended to p->done.
	 */
	void (*step)(struct provider *p, int timeout_ms);
	/*
	 * Ends what is under way: everything not answered comes back in p->done as
	 * doubt or retry.
	 */
	void (*quit)(struct provider *p);
	/*
	 * Asks the account for its limits (max_rate ...); NULL where there is no
	 * account.
	 */
	enum err (*account)(struct provider *p, void *mem,
	    struct provider_settings *out, const char **why);
};

struct provider {
	const struct provider_ops *ops;
	struct app *app;
	int64_t brand_id;
	int64_t settings_at; /* provider_settings.updated_at of what it was made of */
	double rate;         /* recipients a second; 0: no limit */
	const char *account_key; /* what shares one rate */
	const char *kind;        /* "campaign" or "test": for the outbox */
	int64_t trip_us;         /* from a call to its answer, smoothed; 0: not known */
	size_t in_flight;        /* messages taken and not yet back */
	size_t lanes; /* that divide what can be in flight; 0, 1: it is all its own */
	struct outgoing *done, *done_end;
};

/*
 * The provider of a brand, owned by mem.  ERR_INVALID and a sentence (*why) when it
 * cannot send: no credentials, http endpoint that is not allowed ...
 */
enum err provider_open(void *mem, struct app *app, const struct brand *b,
    const char *kind, struct provider **out, const char **why) MUST_CHECK;
/* Recipients a second that these settings allow; 0: no limit. */
double provider_rate(const struct provider_settings *ps);
/* What shares one rate with the brand of these settings. */
char *provider_account_key(void *mem, const struct provider_settings *ps);
/* Where kv/slow.h keeps how far an account's rate is turned down. */
char *provider_slow_key(void *mem, const char *account_key);
/* The next finished message, or NULL. */
struct outgoing *provider_take(struct provider *p);
/* For implementations: hands one back. reason (may be NULL) is copied. */
void provider_done(struct provider *p, struct outgoing *o, enum outcome outcome,
    const char *reason);

enum err provider_outbox_open(void *mem, struct app *app,
    const struct provider_settings *ps, struct provider **out,
    const char **why) MUST_CHECK;
enum err provider_ses_open(void *mem, struct app *app,
    const struct provider_settings *ps, struct provider **out,
    const char **why) MUST_CHECK;
