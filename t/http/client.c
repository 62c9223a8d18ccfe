#include "http/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tap.h"

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

static void refusing(void *mem)
{
	static const char *const urls[] = {
		"http://example.com/",
		"https://example.com:8080/",
		"ftp://example.com/",
		"https://user:pw@example.com/",
		"file:///etc/passwd",
		"gopher://example.com/",
		"not a url",
		"",
		"http://127.0.0.1/",
		"https://localhost:1/",
	};
	static const char *const inside[] = {
		"https://127.0.0.1/",
		"https://[::1]/",
		"https://10.0.0.1/",
		"https://2130706433/",
		"https://0x7f.1/",
		"https://[::ffff:127.0.0.1]/",
		"https://169.254.169.254/",
		"https://localhost/",
		"https://0/",
		"https://192.168.0.1:8443/",
	};
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
		    "http_fetch connects nothing inside: %s", inside[i]);
	}
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
	calling(mem);
	return done_testing();
}
