#include "send/ingest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/mem.h"
#include "base/pace.h"
#include "base/text.h"
#include "repo/event.h"
#include "send/spool.h"
#include "service/agent.h"
#include "service/judge.h"

enum { BATCH = 1000, FIRST = 50, LEAST = 10 }; /* records in one transaction */

/* One spool file being read. */
struct reader {
	struct app *app;
	const char *name; /* key in spool_files */
	int fd;
	struct pace *pace;
	size_t record; /* bytes of each */
	int64_t size, position;
	bool finished; /* its writer is gone: nothing will be added */
};

/* Who asked was not kept then, only what was made of it. */
static struct event old_event(const struct spool_old_record *rec)
{
	struct event ev = {
		.campaign_id = rec->campaign,
		.subscriber_id = rec->subscriber,
		.type = rec->type == EVENT_CLICK ? EVENT_CLICK : EVENT_OPEN,
		.client = client_name(rec->client),
		.link = rec->link,
		.at = rec->at,
	};

	if (rec->machine)
		ev.reason = rec->client == CLIENT_APPLE_PRIVACY ? MACHINE_PRIVACY
								: MACHINE_PROGRAM;
	return ev;
}

static struct event new_event(const struct spool_record *rec)
{
	return (struct event){
		.campaign_id = rec->campaign,
		.subscriber_id = rec->subscriber,
		.type = rec->type == EVENT_CLICK ? EVENT_CLICK : EVENT_OPEN,
		.agent = rec->agent,
		.link = rec->link,
		.at = rec->at,
	};
}

static enum err record(struct reader *r, const char *bytes, int64_t position)
{
	struct spool_record rec = { 0 };
	struct spool_old_record old;
	struct event ev;

	if (!spool_valid(bytes, r->record)) {
		log_error(&r->app->log, "ingest.record", LOG_STR("file", r->name),
		    LOG_INT("position", position));
		return OK;
	}
	if (r->record == sizeof(old)) {
		memcpy(&old, bytes, sizeof(old));
		ev = old_event(&old);
	} else {
		memcpy(&rec, bytes, sizeof(rec));
		ev = new_event(&rec);
	}
	return judge_event(r->app->db, &ev);
}

/* Events and the new position in one transaction: each record exactly once. */
static enum err store_batch(struct reader *r, const char *bytes, int n)
{
	TX_SCOPE tx = { 0 };
	int64_t position = r->position + n * (int64_t)r->record;
	enum err e = tx_begin_keyed(r->app->db, &tx);

	for (int i = 0; i < n && e == OK; i++)
		e = record(r, bytes + (size_t)i * r->record,
		    r->position + i * (int64_t)r->record);
	FAILPOINT("ingest.rows");
	if (e == OK)
		e = spool_set_position(r->app->db, r->name, position,
		    clock_now(r->app->clock));
	if (e == OK)
		e = tx_commit(&tx);
	FAILPOINT("ingest.committed");
	if (e == OK)
		r->position = position;
	return e;
}

static enum err read_batch(struct reader *r, struct work_report *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "spool");
	size_t want = (size_t)r->pace->rows * r->record;
	char *bytes = mem_array(tmp, char, want);
	ssize_t got = pread(r->fd, bytes, want, r->position);
	int n = got > 0 ? (int)((size_t)got / r->record) : 0;
	enum err e;

	if (n == 0)
		return ERR_NOTFOUND;
	e = store_batch(r, bytes, n);
	if (e == OK) {
		pace_took(r->pace, n, db_held_us(r->app->db));
		out->done += n;
		if (r->app->metrics != NULL)
			metrics_add(r->app->metrics, "maillayer_events_total", n);
	}
	return e;
}

/* The file goes before its row: the other way round a crash between would count it
 * again. */
static enum err remove_finished(struct reader *r, const char *path)
{
	if (!r->finished || r->position < r->size - (int64_t)r->record + 1)
		return OK;
	if (unlink(path) != 0)
		return ERR_IO;
	FAILPOINT("ingest.unlinked");
	return spool_forget(r->app->db, r->name);
}

static enum err read_file(struct reader *r, const char *path, int64_t deadline,
    struct work_report *out)
{
	uint32_t magic = 0;
	struct stat st;
	enum err e;

	r->finished = flock(r->fd, LOCK_EX | LOCK_NB) == 0;
	if (fstat(r->fd, &st) != 0 || pread(r->fd, &magic, sizeof(magic), 0) < 0)
		return ERR_IO;
	r->size = st.st_size;
	r->record = spool_record_size(magic);
	e = spool_position(r->app->db, r->name, &r->position);
	while (e == OK && clock_mono_ms() < deadline)
		e = read_batch(r, out);
	if (e == OK)
		out->more = true;
	return e == ERR_NOTFOUND ? remove_finished(r, path) : e;
}

static enum err ingest_file(struct app *app, const char *dir, const char *file,
    int64_t deadline, struct work_report *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "ingest");
	const char *path = mem_printf(tmp, "%s/%s", dir, file);
	struct pace pace = { FIRST, LEAST, BATCH };
	struct reader r = { .app = app, .name = file, .pace = &pace };
	enum err e;

	r.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (r.fd < 0)
		return errno == ENOENT ? OK : ERR_IO;
	e = read_file(&r, path, deadline, out);
	close(r.fd);
	if (e != OK)
		log_error(&app->log, "ingest.file", LOG_STR("file", file),
		    LOG_STR("error", err_name(e)));
	return e;
}

static enum err ingest_dir(struct app *app, const char *dir, int64_t deadline,
    struct work_report *out)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	enum err e = OK;

	if (d == NULL)
		return errno == ENOENT ? OK : ERR_IO;
	while (e == OK && (entry = readdir(d)) != NULL && clock_mono_ms() < deadline)
		if (text_ends(entry->d_name, ".spool"))
			e = ingest_file(app, dir, entry->d_name, deadline, out);
	closedir(d);
	return e;
}

enum err ingest_work(struct app *app, int64_t budget_ms, struct work_report *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "ingest");
	const char *dir = mem_printf(tmp, "%s/spool", app->config->server.state_dir);
	int64_t deadline = clock_mono_ms() + budget_ms;
	int fd = open(mem_printf(tmp, "%s/ingest.lock", app->config->server.state_dir),
	    O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	enum err e = OK;

	*out = (struct work_report){ 0 };
	if (fd < 0)
		return ERR_IO;
	/* One reader a host; another one at work does the same. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		e = ingest_dir(app, dir, deadline, out);
	close(fd);
	return e;
}
