#include "sendtest.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/ledger.h"
#include "repo/ledger_check.h"
#include "repo/provider.h"
#include "repo/repo.h"
#include "tap.h"

static const char secret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

struct app *sendtest_app_on(struct dbtest *t, void *mem, struct db *db,
    const char *kv_servers)
{
	struct app *app = mem_new(mem, struct app);
	const char *why;

	if (config_load(app, NULL, &app->config, &why) != OK)
		ok(false, "the default configuration loads: %s", why);
	app->config->server.state_dir = t->dir;
	app->config->server.public_url = "https://m.test";
	app->config->server.cron_workers = 1;
	app->config->security.allow_loopback_http = true;
	app->log = *t->log;
	app->clock = &clock_system;
	app->db = db;
	if (keyring_load(app, mem_printf(app, "%s/key", t->dir), true, &app->keys) !=
		OK ||
	    kv_open(app, kv_servers, &app->log, &app->kv) != OK ||
	    repo_prepare(db) != OK)
		ok(false, "the app opens");
	return app;
}

struct app *sendtest_app(struct dbtest *t, const char *kv_servers)
{
	return sendtest_app_on(t, t->mem, t->db, kv_servers);
}

static void add_people(struct dbtest *t, int n)
{
	struct buf *b = buf_new(t->mem);

	for (int i = 1; i <= n; i++) {
		if (i % 500 == 1)
			buf_str(b,
			    "INSERT INTO subscribers (id, brand_id, email, email_key, "
			    "status,"
			    " first_name, custom, created_at, updated_at) VALUES ");
		buf_printf(b,
		    "(%d,1,'p%d@x.test','p%d@x.test','active','N%d','{\"city\":\"C%d\"}"
		    "',1,1)%s",
		    i, i, i, i, i, i % 500 == 0 || i == n ? ";" : ",");
	}
	buf_str(b,
	    "INSERT INTO list_subscribers (list_id, subscriber_id, created_at)"
	    " SELECT 1, id, 1 FROM subscribers;");
	dbtest_script(t->db, b->data);
	mem_free(b);
}

void sendtest_people(struct dbtest *t, int n)
{
	dbtest_script(t->db,
	    "INSERT INTO brands (id, name, from_name, from_email, reply_to, "
	    "postal_address, hook_token,"
	    " created_at, updated_at) VALUES (1, 'Nordlicht', 'Nord', "
	    "'news@nord.test', 'help@nord.test',"
	    " 'Hafen 1', 'h', 1, 1);"
	    "INSERT INTO providers (brand_id, updated_at) VALUES (1, 1);"
	    "INSERT INTO lists (id, brand_id, name, created_at, updated_at) VALUES (1, "
	    "1, 'a', 1, 1);"
	    "INSERT INTO campaigns (id, brand_id, name, status, subject, html, "
	    "send_at, created_at,"
	    " updated_at) VALUES (5, 1, 'C', 'sending', 'Hi {{ first_name }}', "
	    "'<p>Dear {{ first_name }}"
	    " of {{ fields.city }}</p><a href=\"https://shop.test/\">Shop</a>', 100, "
	    "1, 1);"
	    "INSERT INTO campaign_audience (campaign_id, list_id, exclude) VALUES (5, "
	    "1, 0);");
	add_people(t, n);
}

void sendtest_use_ses(struct dbtest *t, struct app *app, const struct fake_ses *f,
    const char *mode, double rate)
{
	size_t len;
	struct provider_settings ps = {
		.brand_id = 1,
		.kind = PROVIDER_SES,
		.region = "eu-central-1",
		.mode = strcmp(mode, "bulk") == 0 ? SEND_BULK : SEND_SINGLE,
		.endpoint = mem_printf(t->mem, "http://127.0.0.1:%d", f->port),
		.configuration_set = "main",
		.rate = rate,
		.access_key_id = "AKIDEXAMPLE",
		.account_key = "a1",
		.account_json = "{}",
	};

	ps.secret = secret_seal(t->mem, app->keys, "provider:1", secret, &len);
	ps.secret_len = len;
	if (provider_settings_put(app->db, &ps, 1) != OK)
		ok(false, "the provider is set");
}

/* ---- the fake ---- */
static void run_node(struct dbtest *t, struct fake_ses *f, const char *args, int out)
{
	const char *argv[24] = { "node",
		mem_printf(t->mem, "%s/t/fake/ses.mjs", t->share), "--ledger",
		f->ledger };
	char *copy = mem_str(t->mem, args), *save = NULL;
	int n = 4;

	for (char *w = strtok_r(copy, " ", &save); w && n < 23;
	     w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	execvp("node", (char *const *)argv);
	_exit(127);
}

void fake_ses_start(struct dbtest *t, struct fake_ses *f, const char *args)
{
	char line[32] = "";
	int pipe_fd[2];

	f->ledger = mem_printf(t->mem, "%s/ses.jsonl", t->dir);
	unlink(f->ledger);
	if (pipe2(pipe_fd, O_CLOEXEC) != 0)
		exit(1);
	fflush(stdout);
	f->pid = fork();
	if (f->pid == 0)
		run_node(t, f, args, pipe_fd[1]);
	close(pipe_fd[1]);
	if (read(pipe_fd[0], line, sizeof(line) - 1) <= 0 ||
	    sscanf(line, "port %d", &f->port) != 1)
		skip_all("node cannot run the fake of Amazon SES");
	close(pipe_fd[0]);
}

void fake_ses_stop(struct fake_ses *f)
{
	kill(f->pid, SIGTERM);
	waitpid(f->pid, NULL, 0);
}

/* A small HTTP exchange; the body of the answer. */
static char *ask(void *mem, const struct fake_ses *f, const char *method,
    const char *path, const char *body)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)f->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct buf *b = buf_new(mem);
	char part[4096], *start;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	buf_printf(b, "%s %s HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s", method, path,
	    strlen(body), body);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    write(fd, b->data, b->len) != (ssize_t)b->len)
		ok(false, "the fake answers");
	buf_reset(b);
	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_add(b, part, (size_t)n);
	close(fd);
	start = strstr(b->data, "\r\n\r\n");
	return start ? start + 4 : b->data;
}

void fake_ses_script(const struct fake_ses *f, const char *json)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "script");

	ask(tmp, f, "PUT", "/_script", json);
}

void fake_ses_keys(const struct fake_ses *f, const char *json)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "keys");

	ask(tmp, f, "PUT", "/_keys", json);
}

int64_t fake_ses_stat(const struct fake_ses *f, const char *name)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "stat");
	char *text = ask(tmp, f, "GET", "/_stats", "");
	struct json_object *o;

	if (json_read(tmp, text, strlen(text), &o, NULL) != OK)
		return -1;
	return json_int(o, name, -1);
}

struct json_object *fake_ses_accepted(void *mem, const struct fake_ses *f)
{
	struct json_object *all = json_arr(mem);
	FILE *file = fopen(f->ledger, "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	while (file && (n = getline(&line, &size, file)) > 0) {
		struct json_object *o;

		if (json_read(mem, line, (size_t)n, &o, NULL) == OK)
			json_push(all, o);
	}
	free(line);
	if (file)
		fclose(file);
	return all;
}

/* ---- invariants ---- */
int64_t sendtest_rows(struct dbtest *t, int state)
{
	return dbtest_int(t->db,
	    mem_printf(t->mem,
		"SELECT count(*) FROM campaign_subscribers"
		" WHERE campaign_id = 5 AND state = %d",
		state));
}

/* What the checker of the ledger has to say. */
static int checked(struct dbtest *t)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "check");
	struct ledger_verdict v;

	if (ledger_check(t->db, tmp, 5, &v) != OK)
		return 1000;
	for (size_t i = 0; i < v.n; i++)
		diag("%s (%s): %lld (%s)", v.faults[i].text, v.faults[i].rule,
		    (long long)v.faults[i].n, v.faults[i].example);
	return (int)v.n;
}

int sendtest_check(struct dbtest *t)
{
	struct delivery_counts told, real;
	int wrong = checked(t);

	if (ledger_counts(t->db, 5, &told) != OK ||
	    ledger_recount(t->db, 5, &real) != OK)
		return 100;
	for (int i = 0; i < DELIVERY_STATES; i++) {
		if (told.n[i] == real.n[i])
			continue;
		diag("state %d: %lld counted, %lld there", i, (long long)told.n[i],
		    (long long)real.n[i]);
		wrong++;
	}
	wrong += dbtest_int(t->db, "SELECT audience FROM campaigns WHERE id = 5") !=
	    real.audience;
	return wrong;
}
