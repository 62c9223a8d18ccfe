#include "service/host.h"

#include <string.h>
#include <sys/utsname.h>

#include "base/failpoint.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/filelock.h"
#include "repo/campaign_going.h"
#include "service/host_file.h"
#include "service/host_mark.h"

enum { WAIT_MS = 10000 };

static const char unborn[] = "-"; /* the nonce of a file before its first visit */

static void roll(void *mem, char nonce[33])
{
	memcpy(nonce, id_random(mem), 33);
}

static const char *system_name(void *mem)
{
	struct utsname u;

	return mem_str(mem, uname(&u) == 0 ? u.nodename : "");
}

/*
 * A host that has no file, or somebody else's, gets one of its own first: if it is
 * killed before the database knows of it, it is the same host that comes again.
 */
static enum err be_somebody(void *mem, const struct host_place *p, struct host_file *f)
{
	if (f->there && !f->copied)
		return OK;
	roll(mem, f->id);
	roll(mem, f->next);
	memcpy(f->nonce, unborn, sizeof(unborn));
	return host_file_write(p->state_dir, p->machine_file, f);
}

struct host_place host_place_of(const struct app *app)
{
	return (struct host_place){ app->config->server.state_dir, HOST_MACHINE_FILE,
		app->kv, app->keys };
}

/* The database is older than what it was compared with. */
static enum err hold_restored(struct db *db, struct host *h)
{
	h->held = "restored";
	h->held_at = h->seen_at;
	return host_hold_all(db, h->held, h->held_at);
}

/* Not yet in the database. */
static enum err introduce(struct db *db, const struct host_file *f, struct host *h)
{
	bool was_known = !text_equal(f->nonce, unborn);
	struct host_past past;
	enum err e = host_past(db, &past);

	if (e != OK)
		return e;
	h->held = f->copied ? "copied" : was_known ? "restored" : "new";
	if (!past.hosts && !past.attempts && !(was_known && past.campaigns))
		h->held = "";
	if (text_equal(h->held, "restored"))
		e = hold_restored(db, h);
	h->held_at = text_empty(h->held) ? 0 : h->seen_at;
	return e == OK ? host_add(db, h) : e;
}

/* In the database already: it has the nonce of the file, and the marks. */
static enum err recognise(struct db *db, const struct host *known,
    const struct host_file *f, struct host_told *told, struct host *h)
{
	bool behind;
	enum err e = host_told_compare(db, h->id, told, &behind);

	h->held = known->held;
	h->held_at = known->held_at;
	if (!text_equal(known->nonce, f->nonce) && !text_equal(known->nonce, f->next))
		behind = true;
	if (e == OK && behind)
		e = hold_restored(db, h);
	return e == OK ? host_seen(db, h) : e;
}

/* One transaction: what the database knows is compared, and then is what f->next says.
 */
static enum err compare(struct db *db, void *mem, const struct host_file *f,
    struct host_told *told, struct host *h, bool *changed)
{
	TX_SCOPE tx = { 0 };
	struct host *known;
	bool behind;
	enum err e = tx_begin(db, &tx);

	if (e == OK)
		e = host_get(db, mem, f->id, &known);
	*changed = e == ERR_NOTFOUND;
	if (e == ERR_NOTFOUND) {
		e = introduce(db, f, h);
		if (e == OK) /* held or not, it has them from now on */
			e = host_told_compare(db, h->id, told, &behind);
	} else if (e == OK) {
		e = recognise(db, known, f, told, h);
		*changed = !text_equal(known->held, h->held);
	}
	return e == OK ? tx_commit(&tx) : e;
}

static enum err visit(struct db *db, void *mem, const struct host_place *p,
    struct host *h, bool *changed)
{
	struct host_told told;
	struct host_file f;
	enum err e = host_file_read(p->state_dir, p->machine_file, &f);

	if (e == OK)
		e = be_somebody(mem, p, &f);
	if (e != OK)
		return e;
	h->id = mem_str(mem, f.id);
	h->nonce = mem_str(mem, f.next);
	host_told_read(mem, p, h->id, &told);
	e = compare(db, mem, &f, &told, h, changed);
	if (e != OK)
		return e;
	host_told_cache(p, h->id, &told);
	FAILPOINT("host.seen");
	memcpy(f.nonce, f.next, sizeof(f.nonce));
	roll(mem, f.next);
	return host_file_write(p->state_dir, p->machine_file, &f);
}

enum err host_visit(struct db *db, void *mem, const struct host_place *p, int64_t now,
    struct host *out, bool *changed)
{
	struct filelock lock;
	enum err e =
	    filelock_open(&lock, mem, mem_printf(mem, "%s/host", p->state_dir));

	*out = (struct host){ .name = system_name(mem), .held = "", .seen_at = now };
	*changed = false;
	if (e != OK)
		return e;
	e = filelock_take(&lock, WAIT_MS);
	if (e == OK) {
		e = visit(db, mem, p, out, changed);
		filelock_give(&lock);
	}
	filelock_close(&lock);
	return e;
}

enum err host_leave(struct db *db, void *mem, const struct host_place *p, int64_t now)
{
	struct host_file f;
	struct host h;
	bool changed;
	enum err e = host_file_read(p->state_dir, p->machine_file, &f);

	if (e != OK || !f.there || f.copied)
		return e;
	return host_visit(db, mem, p, now, &h, &changed);
}

enum err host_confirm(struct db *db, bool pause, int64_t now, int64_t *paused)
{
	TX_SCOPE tx = { 0 };
	int64_t n;
	enum err e = tx_begin(db, &tx);

	*paused = 0;
	if (e == OK && pause)
		e = campaign_pause_all(db,
		    "It was paused when the restored or copied database was "
		    "confirmed. Look whether it should still go, then resume it.",
		    now, paused);
	if (e == OK)
		e = host_free_all(db, &n);
	return e == OK ? tx_commit(&tx) : e;
}

static const struct {
	const char *word, *sentence;
} reasons[] = {
	{ "restored", "This database was brought back from an earlier state." },
	{ "copied", "This installation was copied from another place." },
	{ "new", "A server has come to this database that it does not know." },
};

enum { REASONS = sizeof(reasons) / sizeof(*reasons) };

const char *host_held_word(const char *held)
{
	for (int i = 0; i < REASONS; i++)
		if (text_equal(reasons[i].word, held))
			return reasons[i].word;
	return NULL;
}

const char *host_held_sentence(const char *held)
{
	for (int i = 0; i < REASONS; i++)
		if (text_equal(reasons[i].word, held))
			return reasons[i].sentence;
	return "";
}
