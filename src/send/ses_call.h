#pragma once

#include <curl/curl.h>

#include "send/ses.h"
#include "send/ses_socket.h"
#include "send/sigv4.h"

/*
 * The SES provider from inside: its calls and its queue.  Many calls at once through
 * curl's multi interface.  libcurl repeats a POST by itself when a kept connection
 * turns out to be dead.  It asks before each request, so the second time it is told no,
 * unless it is proved that the first one was not taken (ses_socket.h): the call then
 * fails, and is in doubt, not doubled.
 */
enum { CALL_SECONDS = 30, SES_QUEUE = 2048 };

/*
 * Connections at most, and messages under way at most: a third more than the
 * connections hold, so that one that is free finds the next message on the disk
 * already.  All of these are in doubt if the process dies: the W x K of invariant I3.
 */
enum {
	SINGLE_CONNECTIONS = 192,
	BULK_CONNECTIONS = 30,
	SINGLE_FLIGHT = SINGLE_CONNECTIONS * 4 / 3,
	BULK_FLIGHT = BULK_CONNECTIONS * 4 / 3 * SES_ENTRIES
};

struct call {
	CURL *curl;
	struct ses *ses;
	struct curl_slist *headers;
	struct buf *body, *answer;
	struct outgoing *entries[SES_ENTRIES];
	size_t n;
	int64_t began; /* monotonic us */
	bool bulk, busy;
	bool begun; /* a byte of the request may have left */
	int socket; /* by which it left: ses_socket.h */
};

struct ses {
	struct provider base;
	struct sigv4 signer;
	struct ses_writer writer;
	const char *url, *host; /* "https://host" and its "host[:port]" */
	bool plain;             /* loopback, http allowed */
	bool inside;            /* it led where nothing may be called */
	bool typed;             /* an endpoint of the brand's, not Amazon's own */
	enum send_mode mode;
	CURLM *multi;
	int epoll;       /* sockets curl wants watched */
	int64_t wake_at; /* monotonic us when curl wants to be called, or -1 */
	struct call *calls;
	size_t ncalls, active;
	struct ses_sockets sockets;
	bool watching;    /* whether connections are kept: nothing is begun meanwhile */
	double latency;   /* of a call, us, smoothed; 0: not known yet */
	double pace;      /* calls answered a second, of late */
	int64_t paced_at; /* monotonic us when that was counted */
	int answers;      /* since then */
	struct outgoing *queue[SES_QUEUE];
	size_t first, waiting;
	const struct content *content; /* of template */
	struct ses_template *template;
};

/* Makes the curl handle when it is first needed; false when there is none to be had. */
bool call_ready(struct ses *x, struct call *c);
/* Signs the body as it stands; sets address and headers. */
enum err call_sign(struct call *c, const char *method, const char *path) MUST_CHECK;
/* Sends the body for the entries; what cannot begin comes back at once. */
void call_start(struct call *c);
/* What libcurl says, or why we did not let it. */
const char *call_error(const struct ses *x, CURLcode code);
/* Takes it out of the multi handle. */
void call_end(struct call *c);
/* Hands all entries back with one outcome. */
void call_all_done(struct call *c, enum outcome outcome, const char *reason);
/* Hands back the entries of every call that has ended. */
void ses_collect(struct ses *x);
void ses_queue(struct ses *x, struct outgoing *o);

/* ses_wire.c: the multi handle and what it waits for. */
enum err wire_open(struct ses *x) MUST_CHECK;
void wire_close(struct ses *x);
/* Begins what was added, without waiting. */
void wire_kick(struct ses *x);
/* Moves bytes; waits up to timeout_ms for some. */
void wire_step(struct ses *x, int timeout_ms);
