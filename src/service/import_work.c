#include "service/import.h"

#include "base/csv.h"
#include "base/failpoint.h"
#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/pace.h"
#include "service/import_batch.h"
#include "service/import_plan.h"

enum { FIRST = 200, LEAST = 50 }; /* rows of a batch */
enum { LEASE_MS = 60000, TRIES = 3, POOL_BYTES = 24 * 1024 * 1024 };

/* One import being worked on. */
struct job {
	struct app *app;
	struct import *i;
	struct import_plan *plan;
	struct csv_reader *reader;
	int64_t chunk;    /* next to feed */
	int64_t fed;      /* bytes of the file fed so far */
	int64_t deadline; /* monotonic */
	struct pace pace;
	int64_t done; /* rows settled now */
	bool over;    /* the whole file is settled */
	bool lost;    /* another has it, or it was stopped */
};

static enum err feed(struct job *j)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "chunk");
	size_t skip = (size_t)(j->fed % IMPORT_CHUNK), len = 0;
	char *data;
	enum err e;

	if (j->fed >= j->i->size) {
		csv_reader_feed(j->reader, "", 0, true);
		return OK;
	}
	e = import_chunk(j->app->db, tmp, j->i->id, j->fed / IMPORT_CHUNK, &data, &len);
	if (e != OK)
		return e;
	j->fed += (int64_t)(len - skip);
	csv_reader_feed(j->reader, data + skip, len - skip, j->fed >= j->i->size);
	return OK;
}

/* Reads until the batch is full or the file ends. */
static enum err fill(struct job *j, struct import_batch *b)
{
	enum err e = OK;

	b->position = j->i->position;
	while (e == OK && !import_batch_full(b)) {
		enum csv_got got = csv_reader_next(j->reader);

		if (got == CSV_GOT_MORE) {
			e = feed(j);
		} else if (got == CSV_GOT_END) {
			j->over = true;
			return OK;
		} else {
			import_batch_add(b, j->plan, j->reader, got == CSV_GOT_ROW,
			    j->i->counts.rows + b->counts.rows + 1);
		}
	}
	return e;
}

static enum err store(struct job *j, struct import_batch *b)
{
	enum err e = ERR_CONFLICT;

	for (int n = 0; n < TRIES && e == ERR_CONFLICT && !j->lost; n++)
		e = import_batch_store(j->app->db, b, j->i, j->plan,
		    clock_now(j->app->clock), &j->lost);
	if (e == OK)
		pace_took(&j->pace, b->counts.rows, db_held_us(j->app->db));
	if (e == OK)
		j->done += b->counts.rows;
	return e;
}

static enum err finish(struct job *j, enum import_state state, const char *error)
{
	enum err e;

	FAILPOINT("import.finish");
	j->i->state = state;
	j->i->error = error;
	e = import_finish(j->app->db, j->i, clock_now(j->app->clock));
	if (e == ERR_CONFLICT) {
		j->lost = true;
		return OK;
	}
	log_info(&j->app->log, "import.finished", LOG_INT("import", j->i->id),
	    LOG_INT("brand", j->i->brand_id),
	    LOG_STR("state", import_state_name(state)),
	    LOG_INT("rows", j->i->counts.rows), LOG_INT("new", j->i->counts.fresh),
	    LOG_INT("invalid", j->i->counts.invalid));
	return e;
}

/* Batch after batch until the file or the time is over. */
static enum err run(struct job *j)
{
	enum err e = OK;

	while (e == OK && !j->over && !j->lost) {
		MEM_SCOPE void *tmp = mem_pool(NULL, "batch", POOL_BYTES);
		struct import_batch *b = import_batch_new(tmp, j->pace.rows);

		e = fill(j, b);
		if (e == OK && b->counts.rows > 0)
			e = store(j, b);
		if (j->lost)
			return OK;
		if (e == OK && j->over)
			return finish(j, IMPORT_DONE, "");
		if (clock_mono_ms() >= j->deadline)
			break;
	}
	return e;
}

/* An error of ours would come again with every slice: the import ends, and says so. */
static enum err give_up(struct job *j, enum err e)
{
	if (j->lost)
		return OK;
	if (e == ERR_BUSY || e == ERR_FULL || e == ERR_CONFLICT) {
		if (import_release(j->app->db, j->i) != OK)
			log_warn(&j->app->log, "import.lease_kept",
			    LOG_INT("import", j->i->id));
		return e;
	}
	log_error(&j->app->log, "import.failed", LOG_INT("import", j->i->id),
	    LOG_STR("error", err_name(e)), LOG_INT("row", j->i->counts.rows + 1));
	return finish(j, IMPORT_FAILED,
	    e == ERR_INVALID
		? "A list or field of this import was deleted. Import the file again."
		: "The server could not store the rows. What is counted here is "
		  "stored; import the file again, it changes nothing twice.");
}

static enum err work_on(struct app *app, struct import *i, int64_t deadline,
    int64_t *done)
{
	const char *delimiter = json_text(i->format, "delimiter", ",");
	struct job j = { .app = app,
		.i = i,
		.deadline = deadline,
		.fed = i->position,
		.pace = { FIRST, LEAST, BATCH_ROWS } };
	enum err e = import_plan_make(app->db, i, i, NULL, &j.plan);

	j.reader = csv_reader_new(i, delimiter[0], i->position);
	if (e == OK)
		e = run(&j);
	*done += j.done;
	if (e != OK)
		return give_up(&j, e);
	return j.over || j.lost ? OK : import_release(app->db, i);
}

enum err import_work(struct app *app, int64_t budget_ms, struct work_report *out)
{
	MEM_SCOPE void *tmp = mem_scope(NULL, "import");
	int64_t deadline = clock_mono_ms() + budget_ms;
	const char *owner = id_random(tmp);
	enum err e = OK;

	*out = (struct work_report){ 0 };
	while (e == OK && clock_mono_ms() < deadline) {
		MEM_SCOPE void *one = mem_scope(NULL, "import");
		int64_t now = clock_now(app->clock);
		struct import *i;

		e = import_lease(app->db, one, owner, now, now + LEASE_MS, &i);
		if (e == OK)
			e = work_on(app, i, deadline, &out->done);
	}
	if (e == ERR_NOTFOUND)
		e = OK;
	if (e == OK)
		e = import_open(app->db, &out->left);
	/* what another worker holds is left too, and no reason to come back at once */
	out->more = out->left > 0 && out->done > 0;
	out->next_in_ms = out->left > 0 ? 1000 : 0;
	return e;
}
