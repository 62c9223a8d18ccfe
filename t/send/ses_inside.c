#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "send/provider.h"
#include "sendtest.h"
#include "tap.h"

/*
 * An endpoint that somebody typed must not lead into this machine, whatever its name is
 * said to mean: here somebody listens on just that address and port.
 */
#define INSIDE "127.0.91.7"
enum { PORT = 8443 };

/* The resolver of this program, which libcurl calls too. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **out)
{
	struct {
		struct addrinfo info;
		struct sockaddr_in at;
	} * a;

	(void)service;
	(void)hints;
	if (strcmp(node, "ses.test.example") != 0)
		return EAI_NONAME;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return EAI_MEMORY;
	a->at.sin_family = AF_INET;
	a->at.sin_port = htons(PORT);
	inet_pton(AF_INET, INSIDE, &a->at.sin_addr);
	a->info.ai_family = AF_INET;
	a->info.ai_socktype = SOCK_STREAM;
	a->info.ai_addr = (void *)&a->at;
	a->info.ai_addrlen = sizeof(a->at);
	*out = &a->info;
	return 0;
}

void freeaddrinfo(struct addrinfo *a)
{
	free(a);
}

static int listening(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	inet_pton(AF_INET, INSIDE, &a.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (void *)&a, sizeof(a)) != 0 || listen(fd, 8) != 0)
		skip_all("the port is taken");
	return fd;
}

static bool was_called(int fd)
{
	int c = accept(fd, NULL, NULL);

	if (c >= 0)
		close(c);
	return c >= 0;
}

/* Asks the account at that endpoint: *why, and whether somebody heard of it. */
static bool asked(struct dbtest *t, struct app *app, const char *endpoint,
    const char **why)
{
	struct provider_settings ps = { .brand_id = 1,
		.kind = PROVIDER_SES,
		.region = "eu-central-1",
		.endpoint = endpoint,
		.configuration_set = "",
		.access_key_id = "AKIDEXAMPLE",
		.account_key = "a",
		.account_json = "{}" };
	struct provider *p;
	size_t len;

	ps.secret = secret_seal(t->mem, app->keys, "provider:1", "secret", &len);
	ps.secret_len = len;
	return provider_ses_open(t->mem, app, &ps, &p, why) == OK &&
	    p->ops->account(p, t->mem, &ps, why) == OK;
}

/* Takes one call and hangs up, in a process of its own that then ends well. */
static pid_t hang_up(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	pid_t pid = fork();

	if (pid == 0)
		_exit(poll(&p, 1, 10000) != 1 || !was_called(fd));
	return pid;
}

static void refused(struct dbtest *t, struct app *app, int fd)
{
	static const char *const inside[] = { "https://ses.test.example:8443",
		"https://" INSIDE ":8443" };

	app->config->security.allow_loopback_http = false;
	for (size_t i = 0; i < sizeof(inside) / sizeof(*inside); i++) {
		const char *why = NULL;
		bool good = asked(t, app, inside[i], &why);

		ok(!good && why && strstr(why, "private network"),
		    "%s is not asked: %s", inside[i], why);
		ok(!was_called(fd), "... nobody there hears of it");
	}
}

static void test(struct dbtest *t)
{
	struct app *app = sendtest_app(t, "");
	int fd = listening(), status = 1;
	const char *why = NULL;
	pid_t pid;

	refused(t, app, fd);
	app->config->security.allow_loopback_http = true;
	pid = hang_up(fd);
	ok(!asked(t, app, "https://" INSIDE ":8443", &why),
	    "where the loopback is allowed nobody answers");
	waitpid(pid, &status, 0);
	is_int(status, 0, "... but somebody is called: this test would see it");
	close(fd);
}

int main(void)
{
	dbtest_run(test);
	return done_testing();
}
