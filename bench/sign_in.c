/*
 * How long a refusal at the door takes, for an address that has an account and for one
 * that has none: sign_in [TRIES].  They are asked in turn, so that both meet the same
 * machine; what tells them apart must be less than what the machine does by itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/migrate.h"
#include "repo/repo.h"
#include "service/auth.h"

enum { KNOWN, UNKNOWN, DISABLED, KINDS, WINDOW_MS = 15 * 60 * 1000 };

static const char *const emails[KINDS] = { "known@bench.example",
	"nobody@bench.example", "disabled@bench.example" };
static const char *const names[KINDS] = { "an account", "no account",
	"a disabled account" };

static void must(enum err e, const char *what)
{
	if (e == OK)
		return;
	fprintf(stderr, "bench/sign_in: %s: %s\n", what, err_name(e));
	exit(1);
}

static struct form *filled(void *mem, const char *email, const char *password)
{
	struct form *f = form_new(mem);

	form_add(f, "email", email);
	form_add(f, "password", password);
	return f;
}

struct took {
	double wall, cpu; /* ms */
};

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct took try_once(struct visit *v, const char *email)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "try");
	struct form *f = filled(mem, email, "not the password");
	struct user *u;
	int wait;
	int64_t began = clock_mono_us();
	double cpu = cpu_ms();

	if (sign_in(v, mem, f, &u, &wait) != ERR_INVALID)
		must(ERR_INTERNAL, "it was not refused as a wrong password");
	return (
	    struct took){ (double)(clock_mono_us() - began) / 1000, cpu_ms() - cpu };
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void make_accounts(struct visit *v, void *mem)
{
	struct user *u;

	must(user_create(v->db, mem, filled(mem, emails[KNOWN], "a long password"),
		 false, 1, &u),
	    "account");
	must(user_create(v->db, mem, filled(mem, emails[DISABLED], "a long password"),
		 false, 1, &u),
	    "account");
	must(db_script(v->db,
		 "UPDATE users SET disabled_at = 1 WHERE email LIKE 'disabled%'"),
	    "disable");
}

static double median(double *ms, int n)
{
	qsort(ms, (size_t)n, sizeof(*ms), by_size);
	return ms[n / 2];
}

static void measure(struct visit *v, void *mem, int tries)
{
	double *wall[KINDS], *cpu[KINDS];

	for (int k = 0; k < KINDS; k++) {
		wall[k] = mem_array(mem, double, (size_t)tries);
		cpu[k] = mem_array(mem, double, (size_t)tries);
	}
	for (int i = 0; i < tries; i++, v->now += WINDOW_MS)
		for (int k = 0; k < KINDS; k++) {
			struct took t = try_once(v, emails[k]);

			wall[k][i] = t.wall;
			cpu[k][i] = t.cpu;
		}
	for (int k = 0; k < KINDS; k++) {
		double w = median(wall[k], tries), c = median(cpu[k], tries);

		printf("%-18s median %7.2f ms %+5.1f %%   processor %7.2f ms %+5.1f "
		       "%%\n",
		    names[k], w, 100 * (w / wall[KNOWN][tries / 2] - 1), c,
		    100 * (c / cpu[KNOWN][tries / 2] - 1));
	}
}

int main(int argc, char **argv)
{
	MEM_SCOPE void *mem = mem_scope(NULL, "bench");
	const struct log quiet = { .least = LOG_ERROR, .fd = STDERR_FILENO };
	const struct keyring keys = { .nbox = 1 };
	const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	char *path = mem_printf(mem, "%s/bench-sign-in-%d.db", tmp, (int)getpid());
	struct visit v = { .keys = &keys,
		.state_dir = tmp,
		.ip = "192.0.2.1",
		.now = WINDOW_MS };
	struct migration_state st = { 0 };

	must(db_open(mem, mem_printf(mem, "sqlite:%s", path), &quiet, &v.db), "open");
	must(migrate_up(v.db, mem, SOURCEDIR, 1, &st), st.why ? st.why : "migrate");
	must(repo_prepare(v.db), "prepare");
	must(kv_open(mem, "", &quiet, &v.kv), "counters");
	make_accounts(&v, mem);
	measure(&v, mem, argc > 1 ? atoi(argv[1]) : 300);
	for (size_t k = 0; k < 4; k++)
		unlink(mem_printf(mem, "%s%s", path,
		    (const char *const[]){ "", "-wal", "-shm", ".lock" }[k]));
	return 0;
}
