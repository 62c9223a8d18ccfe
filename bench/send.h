#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "app.h"
#include "dbtest.h"
#include "sendtest.h"

/*
 * Parts of bench/send.  Everything measured runs in a process of its own, so that its
 * processor time and its peak of memory are its own; what it found comes back by a
 * pipe.
 */
struct figure {
	double seconds;
	double cpu_us;     /* of our process, a message */
	double per_second; /* messages */
	double peak_mib;   /* most memory the process ever had */
	/* of a slice */
	double freeze_s;
	double claim_p50_ms, claim_p99_ms, claim_max_ms;
	int claims;
};

/* What one measurement is of. */
struct job {
	const char *dir, *db; /* directory and URL of the database */
	const struct fake_ses *sink;
	bool bulk, tls;
	int people; /* to be sent to: all, or a fifth of them when one by one */
};

/* ---- bench/send_slice.c ---- */
/* Makes the database: people, and a campaign to all of them. */
void bench_prepare(const struct job *j, struct figure *f);
/* The whole slice: freeze, claim, intent, compose, sign, send, settle. */
void bench_slice(const struct job *j, struct figure *f);
/* An app on the database of the job, owned by t->mem. */
struct app *bench_app(struct dbtest *t, const struct job *j);

/* ---- bench/send_floor.c ---- */
/* A minimal curl loop over ready requests: each message's own bytes, made and signed
 * before the clock starts. */
void bench_wire(const struct job *j, struct figure *f);
/* Composes, signs and sends as the slice does, and writes nothing down. */
void bench_no_ledger(const struct job *j, struct figure *f);

/* ---- bench/send.c ---- */
void bench_die(const char *what) __attribute__((noreturn));
double bench_cpu_us(void);
double bench_now_us(void);
/* Rates and processor time of n messages since those two moments. */
void bench_figure(struct figure *f, int n, double began_us, double cpu_us);
