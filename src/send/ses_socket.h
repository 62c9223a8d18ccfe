#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the kernel knows of a connection, as proof that a request was not taken: the
 * other side had ended its half of the connection before it had received a byte of the
 * request, and answered that byte with a reset.  Without such a proof a request that
 * was written and not answered is in doubt.
 */
struct ses_socket {
	int fd;           /* -1: none */
	int port;         /* ours; 0: not asked yet */
	uint64_t acked;   /* bytes the other side had when the request was written */
	const void *user; /* the call whose answer is not yet whole; NULL: none */
	bool ended;       /* it had ended its half, and was not reset before that */
	bool dropped;    /* curl has closed it: ours to close when the call is judged */
	int64_t idle_at; /* monotonic us since when it has nothing to do; 0: has had no
			    call */
};
/* All of one provider; owned by it, begins as zeros. */
struct ses_sockets {
	struct ses_socket *all;
	size_t n, cap;
	void *mem;
	int closes; /* whether the other side closes after an answer: enum ses_closes */
};
enum ses_closes { CLOSES_UNKNOWN, CLOSES_NOT, CLOSES_ALWAYS };

/* A new socket of curl's. */
void ses_socket_add(struct ses_sockets *s, int fd);
/* curl closes it: at once, or when the call that uses it is judged. */
void ses_socket_drop(struct ses_sockets *s, int fd);
/*
 * A request of `user` is about to be written by the connection with this local port;
 * its number for the functions below, or -1.
 */
int ses_socket_begin(struct ses_sockets *s, int port, const void *user);
/* Looks before curl does, when something other than an answer has happened. */
void ses_socket_look(struct ses_sockets *s, int fd);
/*
 * True when it is proved that no byte of the request was taken; waits a round trip for
 * the proof, WAIT_MS at most.
 */
bool ses_socket_untaken(struct ses_sockets *s, int number, const void *user);
/* The call is judged; another one may have the connection already. */
void ses_socket_end(struct ses_sockets *s, int number, const void *user);
/*
 * Whether kept connections may be used again: not before one has outlived its answer
 * for a moment, and never where the other side ends them after each answer.
 * CLOSES_UNKNOWN and *wait: one is being watched.
 */
enum ses_closes ses_sockets_watch(struct ses_sockets *s, bool *wait);
/* Closes what curl has left. */
void ses_sockets_close(struct ses_sockets *s);
