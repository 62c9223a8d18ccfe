#include "http/client.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tap.h"

static int resolved(const char *address, struct addrinfo **out)
{
	struct both {
		struct addrinfo info;
		union {
			struct sockaddr_in v4;
			struct sockaddr_in6 v6;
		};
	} *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return EAI_MEMORY;
	b->info.ai_socktype = SOCK_STREAM;
	b->info.ai_addr = (void *)&b->v4;
	b->info.ai_family = AF_INET;
	b->info.ai_addrlen = sizeof(b->v4);
	b->v4.sin_port = b->v6.sin6_port = htons(443);
	if (inet_pton(AF_INET, address, &b->v4.sin_addr) != 1) {
		inet_pton(AF_INET6, address, &b->v6.sin6_addr);
		b->info.ai_family = AF_INET6;
		b->info.ai_addrlen = sizeof(b->v6);
	}
	b->v4.sin_family = (sa_family_t)b->info.ai_family;
	*out = &b->info;
	return 0;
}

static const struct log quiet = { .least = LOG_ERROR + 1, .fd = 2 };

/* Answers each connection with `answer`, in a process of its own; its port. */
static int serve(const char *answer, pid_t *pid)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (void *)&a, sizeof(a)) != 0 || listen(fd, 8) != 0 ||
	    getsockname(fd, (void *)&a, &n) != 0)
		return 0;
	*pid = fork();
	while (*pid == 0) {
		char waste[4096];
		int c = accept(fd, NULL, NULL);

		if (recv(c, waste, sizeof(waste), 0) > 0)
			(void)!write(c, answer, strlen(answer));
		close(c);
	}
	close(fd);
	return ntohs(a.sin_port);
}

/*
 * The resolver of this program, which libcurl calls too: names below .test lead where
 * their first label says, and `rebinds` to a public address the first time only.
 */
static int rebinds;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **out)
{
	static const struct {
		const char *name, *address;
	} known[] = {
		{ "loopback.test", "127.0.0.1" },
		{ "private.test", "10.0.0.1" },
		{ "metadata.test", "169.254.169.254" },
		{ "this.test", "0.0.0.0" },
		{ "mapped.test", "::ffff:127.0.0.1" },
		{ "six.test", "::1" },
		{ "unique.test", "fd00:ec2::254" },
		{ "nat64.test", "64:ff9b::7f00:1" },
		{ "sixtofour.test", "2002:7f00:1::" },
	};
	const char *address = NULL;

	(void)service;
	(void)hints;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(node, known[i].name) == 0)
			address = known[i].address;
	if (strcmp(node, "rebind.test") == 0)
		address = rebinds++ == 0 ? "1.1.1.1" : "127.0.0.1";
	if (address == NULL)
		return EAI_NONAME;
	return resolved(address, out);
}

void freeaddrinfo(struct addrinfo *a)
{
	free(a);
}

/* Addresses that url_check refuses by themselves are not connected: see t/http/url. */
static void refusing(void *mem)
{
	static const char *const urls[] = { "http://example.com/", "https://127.0.0.1/",
		"https://example.com:8080/", "https://user:pw@example.com/",
		"file:///etc/passwd" };
	static const char *const inside[] = { "https://loopback.test/",
		"https://private.test:8443/", "https://metadata.test/latest/meta-data/",
		"https://this.test/", "https://mapped.test/", "https://six.test/",
		"https://unique.test/", "https://nat64.test/",
		"https://sixtofour.test/" };
	struct http_answer a;

	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		struct http_fetch f = { .url = urls[i], .timeout_ms = 300 };

		ok(http_fetch(mem, &quiet, &f, &a) == ERR_INVALID && a.why != NULL,
		    "http_fetch does not call %s", urls[i]);
	}
	for (size_t i = 0; i < sizeof(inside) / sizeof(*inside); i++) {
		struct http_fetch f = { .url = inside[i], .timeout_ms = 300 };

		ok(http_fetch(mem, &quiet, &f, &a) == ERR_IO &&
			strstr(a.why, "private network") != NULL,
		    "http_fetch connects nothing inside: %s (%s)", inside[i], a.why);
	}
}

/* What the operator names may be anywhere, by that name only. */
static void naming(void *mem)
{
	static const struct {
		const char *url;
		enum err err;
		bool called;
	} cases[] = {
		{ "http://loopback.test:9/", ERR_IO, true },
		{ "https://LOOPBACK.test:9999/", ERR_IO, true },
		{ "http://private.test/", ERR_INVALID, false },
		{ "https://private.test/", ERR_IO, false },
		{ "http://loopback.test.example/", ERR_INVALID, false },
		{ "http://x@loopback.test/", ERR_INVALID, false },
		{ "http://127.0.0.1:9/", ERR_INVALID, false },
	};
	struct http_answer a;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct http_fetch f = { .url = cases[i].url,
			.timeout_ms = 300,
			.own_hosts = "kong, loopback.test" };

		ok(http_fetch(mem, &quiet, &f, &a) == cases[i].err &&
			(strstr(a.why, "The call failed") != NULL) == cases[i].called,
		    "http_fetch %s %s (%s)",
		    cases[i].called ? "calls, since it is named," : "does not call",
		    cases[i].url, a.why);
		f.own_hosts = NULL;
		ok(http_fetch(mem, &quiet, &f, &a) != OK &&
			strstr(a.why, "The call failed") == NULL,
		    "nor otherwise");
	}
}

/* What is connected is asked, whatever an earlier look-up had said. */
static void rebinding(void *mem)
{
	struct http_fetch f = { .url = "https://rebind.test/", .timeout_ms = 300 };
	struct addrinfo *seen;
	struct http_answer a;

	ok(getaddrinfo("rebind.test", "443", NULL, &seen) == 0, "a name is public");
	freeaddrinfo(seen);
	ok(http_fetch(mem, &quiet, &f, &a) == ERR_IO &&
		strstr(a.why, "private network") != NULL && rebinds == 2,
	    "http_fetch looks where a name leads when it is connected");
}

/* A proxy of the environment would be asked to call what we do not. */
static void proxied(void *mem)
{
	struct http_fetch f = { .url = "https://private.test/", .timeout_ms = 300 };
	struct http_answer a;

	setenv("https_proxy", "http://127.0.0.1:9", 1);
	setenv("all_proxy", "http://127.0.0.1:9", 1);
	ok(http_fetch(mem, &quiet, &f, &a) == ERR_IO &&
		strstr(a.why, "private network") != NULL,
	    "http_fetch asks no proxy");
	unsetenv("https_proxy");
	unsetenv("all_proxy");
}

/* Many headers, each of them short, are stopped. */
static void flooding(void *mem)
{
	struct buf *b = buf_new(mem);
	struct http_fetch f = { .allow_loopback = true };
	struct http_answer a;
	pid_t pid;
	int port;

	buf_str(b, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 2000; i++)
		buf_printf(b, "X-Header-%d: %040d\r\n", i, i);
	buf_str(b, "\r\n");
	port = serve(b->data, &pid);
	f.url = mem_printf(mem, "http://127.0.0.1:%d/", port);
	ok(http_fetch(mem, &quiet, &f, &a) == ERR_IO && strstr(a.why, "larger"),
	    "http_fetch stops at too many headers");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void calling(void *mem)
{
	pid_t pid;
	int port = serve("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/x\r\n"
			 "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
	    &pid);
	struct http_fetch f = {
		.url = mem_printf(mem, "http://127.0.0.1:%d/", port),
		.method = "POST",
		.body = "x",
		.allow_loopback = true,
	};
	struct http_answer a;

	ok(http_fetch(mem, &quiet, &f, &a) == OK,
	    "http_fetch calls the loopback when allowed");
	is_int(a.status, 302, "... and follows no redirect");
	is_text(a.body->data, "hello", "... gives the body");
	is_text(a.content_type, "text/plain", "... and its type");
	f.max = 4;
	ok(http_fetch(mem, &quiet, &f, &a) == ERR_IO, "http_fetch stops at its limit");
	ok(strstr(a.why, "larger") != NULL, "... and says so");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	f.max = 0;
	ok(http_fetch(mem, &quiet, &f, &a) == ERR_IO,
	    "http_fetch fails when nobody answers");
	ok(a.why != NULL && a.why[0] != '\0', "... with a sentence");
}

int main(void)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "test");

	refusing(mem);
	naming(mem);
	rebinding(mem);
	proxied(mem);
	flooding(mem);
	calling(mem);
	return done_testing();
}
