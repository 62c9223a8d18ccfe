/* What proves that a request was not taken, and what does not, on real connections. */
#include "send/ses_socket.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "tap.h"

static const char request[] = "POST / HTTP/1.1\r\n\r\n";

struct pair {
	int ours, theirs, port;
};

static struct pair connect_pair(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int listening = socket(AF_INET, SOCK_STREAM, 0);
	struct pair p = { .ours = socket(AF_INET, SOCK_STREAM, 0) };

	if (bind(listening, (struct sockaddr *)&a, len) != 0 ||
	    listen(listening, 1) != 0 ||
	    getsockname(listening, (struct sockaddr *)&a, &len) != 0 ||
	    connect(p.ours, (struct sockaddr *)&a, len) != 0)
		ok(false, "a connection is made");
	p.theirs = accept(listening, NULL, NULL);
	close(listening);
	getsockname(p.ours, (struct sockaddr *)&a, &len);
	p.port = ntohs(a.sin_port);
	return p;
}

static void ask(const struct pair *p)
{
	if (send(p->ours, request, strlen(request), MSG_NOSIGNAL) < 0)
		diag("the request is not written");
}

static void read_all(int fd)
{
	char to[256];

	if (read(fd, to, sizeof(to)) <= 0)
		ok(false, "the request arrives");
}

static void rest(void)
{
	usleep(20000);
}

enum ending {
	ENDED_BEFORE,    /* closed, then asked */
	ENDED_UNSEEN,    /* the same, and both are there when we look */
	ENDED_HALF,      /* half closed, then asked: it may still read */
	ENDED_TAKEN,     /* read, then closed */
	ENDED_UNREAD,    /* asked, then closed without reading: a reset and no end */
	ENDED_HALF_READ, /* half closed, then asked, read, and closed */
	NOT_ENDED,
};
static const struct {
	enum ending ending;
	bool untaken;
	const char *name;
} endings[] = {
	{ ENDED_BEFORE, true, "an end before the request" },
	{ ENDED_UNSEEN, true, "an end before the request, seen with the reset" },
	{ ENDED_HALF, false, "half an end before the request" },
	{ ENDED_TAKEN, false, "an end after the request was read" },
	{ ENDED_UNREAD, false, "a reset after the request had arrived" },
	{ ENDED_HALF_READ, false, "half an end, and a request read after it" },
	{ NOT_ENDED, false, "silence" },
};

static void end(struct ses_sockets *s, const struct pair *p, enum ending how)
{
	int off = 0;

	/* The request arrives, and the reset is quicker than the word that it did. */
	if (how == ENDED_UNREAD)
		setsockopt(p->theirs, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
	if (how == ENDED_BEFORE || how == ENDED_UNSEEN)
		close(p->theirs);
	if (how == ENDED_HALF || how == ENDED_HALF_READ)
		shutdown(p->theirs, SHUT_WR);
	if (how == ENDED_BEFORE) {
		rest();
		ses_socket_look(s, p->ours);
	}
	ask(p);
	if (how == ENDED_TAKEN || how == ENDED_HALF_READ)
		read_all(p->theirs);
	if (how == ENDED_TAKEN || how == ENDED_HALF_READ || how == ENDED_UNREAD)
		close(p->theirs);
	if (how == ENDED_UNSEEN)
		rest();
}

static void test_endings(void *mem)
{
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		struct ses_sockets s = { .mem = mem };
		struct pair p = connect_pair();
		int n, user = 0, other = 0;

		ses_socket_add(&s, p.ours);
		is_int(ses_socket_begin(&s, p.port + 1, &user), -1,
		    "another port is not known");
		n = ses_socket_begin(&s, p.port, &user);
		is_int(n, 0, "a request begins");
		end(&s, &p, endings[i].ending);
		ses_socket_drop(&s, p.ours);
		is_int(ses_socket_untaken(&s, n, &user), endings[i].untaken,
		    "%s: taken or not", endings[i].name);
		ok(!ses_socket_untaken(&s, n, &other),
		    "%s: nothing is proved of another call", endings[i].name);
		ses_socket_end(&s, n, &user);
		ok(!ses_socket_untaken(&s, n, &user), "%s: nor afterwards",
		    endings[i].name);
		ses_sockets_close(&s);
		if (endings[i].ending == ENDED_HALF || endings[i].ending == NOT_ENDED)
			close(p.theirs);
	}
}

static enum ses_closes watch(struct ses_sockets *s, bool *wait)
{
	return ses_sockets_watch(s, wait);
}

static void test_watch(void *mem, bool closes)
{
	struct ses_sockets s = { .mem = mem };
	struct pair p = connect_pair();
	bool wait = true;
	int n;

	ok(watch(&s, &wait) == CLOSES_UNKNOWN && !wait, "nothing is known at first");
	ses_socket_add(&s, p.ours);
	n = ses_socket_begin(&s, p.port, &s);
	ok(watch(&s, &wait) == CLOSES_UNKNOWN && !wait, "nor during a call");
	if (closes)
		close(p.theirs);
	ses_socket_end(&s, n, &s);
	if (!closes)
		ok(watch(&s, &wait) == CLOSES_UNKNOWN && wait,
		    "after an answer it is waited for a moment");
	usleep(30000);
	is_int(watch(&s, &wait), closes ? CLOSES_ALWAYS : CLOSES_NOT,
	    "then it is known");
	ok(!wait, "and not waited for any more");
	ses_socket_drop(&s, p.ours);
	ses_sockets_close(&s);
	if (!closes)
		close(p.theirs);
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");

	test_endings(mem);
	test_watch(mem, true);
	test_watch(mem, false);
	return done_testing();
}
