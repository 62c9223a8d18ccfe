#include "service/report.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "repo/campaign.h"
#include "repo/ledger.h"
#include "repo/report.h"
#include "service/campaign.h"

enum { HOURS = 48, LINKS_SHOWN = 200, CLIENTS_SHOWN = 12, HOUR_MS = 3600000 };

static enum err add_hours(struct db *db, void *mem, const struct campaign *c,
    struct json_object *o)
{
	struct json_object *arr = json_arr(mem);
	struct report_hour *h;
	size_t n;
	int64_t from = c->started_at / HOUR_MS * HOUR_MS;
	enum err e = report_hours(db, mem, c->id, from, &h, &n);

	for (size_t i = 0; i < n && e == OK; i++) {
		struct json_object *row = json_obj(mem);

		json_set_time(row, "at", h[i].hour);
		json_set_int(row, "opened", h[i].opened);
		json_set_int(row, "machine_opened", h[i].machine_opened);
		json_set_int(row, "clicked", h[i].clicked);
		json_push(arr, row);
	}
	json_set(o, "hours", arr);
	return e;
}

static enum err add_links(struct db *db, void *mem, const struct campaign *c,
    struct json_object *o)
{
	struct json_object *arr = json_arr(mem);
	struct report_link *l;
	size_t n;
	enum err e = report_links(db, mem, c->id, LINKS_SHOWN, &l, &n);

	for (size_t i = 0; i < n && e == OK; i++) {
		struct json_object *row = json_obj(mem);

		json_set_int(row, "number", l[i].number);
		json_set_text(row, "url", l[i].url);
		json_set_text(row, "label", l[i].label);
		json_set_int(row, "people", l[i].people);
		json_set_int(row, "clicks", l[i].clicks);
		json_set_int(row, "machines", l[i].machines);
		json_push(arr, row);
	}
	json_set(o, "links", arr);
	return e;
}

static enum err add_clients(struct db *db, void *mem, const struct campaign *c,
    struct json_object *o)
{
	struct json_object *arr = json_arr(mem);
	struct report_client *l;
	size_t n;
	enum err e = report_clients(db, mem, c->id, CLIENTS_SHOWN, &l, &n);

	for (size_t i = 0; i < n && e == OK; i++) {
		struct json_object *row = json_obj(mem);

		json_set_text(row, "client", l[i].name);
		json_set_int(row, "people", l[i].people);
		json_push(arr, row);
	}
	json_set(o, "clients", arr);
	return e;
}

enum err report_json(struct db *db, void *mem, const struct campaign *c,
    struct json_object **out)
{
	struct json_object *o = json_obj(mem);
	struct delivery_counts counts = { 0 };
	struct campaign_stats stats = { 0 };
	const char *base_name;
	int64_t base, resent = 0;
	enum err e = ledger_counts(db, c->id, &counts);

	if (e == OK)
		e = campaign_stats_get(db, c->id, &stats);
	if (e == OK && c->resends > 0)
		e = report_resent(db, c->id, &resent);
	if (e != OK)
		return e;
	base = stats_base(&stats, counts.n[DELIVERY_ACCEPTED], &base_name);
	json_set(o, "counts", counts_json(mem, &counts));
	json_set(o, "stats", stats_json(mem, &stats));
	json_set_int(o, "base", base);
	json_set_text(o, "base_name", base_name);
	json_set_int(o, "resent", resent);
	e = add_hours(db, mem, c, o);
	if (e == OK)
		e = add_links(db, mem, c, o);
	if (e == OK)
		e = add_clients(db, mem, c, o);
	*out = o;
	return e;
}

/* ---- the drawing ---- */

struct series {
	int64_t human[HOURS], machine[HOURS], click[HOURS];
	int64_t top; /* of the axis: a round number */
	int hours;   /* begun by now, at least 1: the lines end there */
};

static int64_t round_up(int64_t most)
{
	static const int steps[] = { 1, 2, 5 };
	int64_t unit = 1;

	for (;; unit *= 10)
		for (size_t i = 0; i < 3; i++)
			if (unit * steps[i] * 5 >= most)
				return unit * steps[i] * 5;
}

static void collect(struct series *s, struct json_object *hours, int64_t from)
{
	int64_t most = 1;

	for (size_t i = 0; i < json_object_array_length(hours); i++) {
		struct json_object *row = json_object_array_get_idx(hours, i);
		int64_t at = 0, k;

		if (!time_parse_rfc3339(json_text(row, "at", ""), &at))
			continue;
		k = (at - from) / HOUR_MS;
		if (k < 0 || k >= HOURS)
			continue;
		s->human[k] = json_int(row, "opened", 0);
		s->machine[k] = json_int(row, "machine_opened", 0);
		s->click[k] = json_int(row, "clicked", 0);
		most = s->human[k] > most ? s->human[k] : most;
		most = s->machine[k] > most ? s->machine[k] : most;
		most = s->click[k] > most ? s->click[k] : most;
	}
	s->top = round_up(most);
}

/*
 * A line in a field of 1000 x 200, one point an hour; the first hour alone is as wide
 * as an hour, so that it is seen.  With `area`, what is under it.
 */
static const char *line(void *mem, const struct series *s, const int64_t *v, bool area)
{
	struct buf *b = buf_new(mem);
	double step = 1000.0 / (HOURS - 1), x = 0, y = 200;

	if (area)
		buf_str(b, "M0 200");
	for (int i = 0; i < s->hours; i++) {
		x = step * i;
		y = 200.0 - 200.0 * (double)v[i] / (double)s->top;
		buf_printf(b, "%s%.1f %.1f", i == 0 && !area ? "M" : "L", x, y);
	}
	if (s->hours == 1) {
		x = step;
		buf_printf(b, "L%.1f %.1f", x, y);
	}
	if (area)
		buf_printf(b, "L%.1f 200Z", x);
	return b->data;
}

static struct json_object *labels(void *mem, int64_t from, const char *zone)
{
	struct json_object *arr = json_arr(mem);

	for (int i = 0; i <= HOURS; i += 6) {
		int64_t at = from + i * (int64_t)HOUR_MS;

		json_push_text(arr,
		    time_local(mem, at, zone, i % 24 == 0 ? "%a %H:%M" : "%H:%M"));
	}
	return arr;
}

/* ---- the funnel ---- */

/* Height in a field of 100 x 100 whose whole audience reaches up to 8. */
static double level(int64_t n, int64_t audience)
{
	return 100.0 - (audience > 0 ? 92.0 * (double)n / (double)audience : 0);
}

/* One stage: how it comes down from the one before; people and people with machines. */
static struct json_object *stage(void *mem, double from, double to, double people)
{
	struct json_object *o = json_obj(mem);

	json_set_text(o, "from", mem_printf(mem, "%.2f", from));
	json_set_text(o, "to", mem_printf(mem, "%.2f", to));
	json_set_text(o, "people", mem_printf(mem, "%.2f", people));
	json_set_text(o, "width", mem_printf(mem, "%.2f", (100.0 - to) / 0.92));
	json_set_text(o, "people_width",
	    mem_printf(mem, "%.2f", (100.0 - people) / 0.92));
	return o;
}

static struct json_object *funnel(void *mem, const struct delivery_counts *n,
    struct json_object *report)
{
	struct json_object *o = json_obj(mem), *stats = json_get(report, "stats");
	int64_t opened = json_int(stats, "opened", 0),
		clicked = json_int(stats, "clicked", 0);
	double all = level(n->audience, n->audience);
	double accepted = level(n->n[DELIVERY_ACCEPTED], n->audience);
	double base = level(json_int(report, "base", 0), n->audience);
	double open = level(opened + json_int(stats, "machine_opened", 0), n->audience);
	double click =
	    level(clicked + json_int(stats, "machine_clicked", 0), n->audience);

	json_set(o, "audience", stage(mem, all, all, all));
	json_set(o, "accepted", stage(mem, all, accepted, accepted));
	json_set(o, "delivered", stage(mem, accepted, base, base));
	json_set(o, "opened", stage(mem, base, open, level(opened, n->audience)));
	json_set(o, "clicked", stage(mem, open, click, level(clicked, n->audience)));
	return o;
}

static struct delivery_counts counts_of(struct json_object *report)
{
	struct json_object *o = json_get(report, "counts");
	struct delivery_counts n = { .audience = json_int(o, "audience", 0) };

	for (int i = 0; i < DELIVERY_STATES; i++)
		n.n[i] = json_int(o, delivery_state_name((enum delivery_state)i), 0);
	return n;
}

struct json_object *report_drawing(void *mem, const struct campaign *c,
    struct json_object *report, int64_t now, const char *zone)
{
	struct json_object *o = json_obj(mem), *axis = json_arr(mem);
	int64_t from = c->started_at / HOUR_MS * HOUR_MS, gone = (now - from) / HOUR_MS;
	struct series *s = mem_new(mem, struct series);
	struct delivery_counts counts = counts_of(report);

	s->hours = gone < 0 ? 1 : gone >= HOURS ? HOURS : (int)gone + 1;
	collect(s, json_get(report, "hours"), from);
	for (int i = 0; i <= 5; i++)
		json_push_int(axis, s->top / 5 * i);
	json_set_text(o, "area", line(mem, s, s->human, true));
	json_set_text(o, "human", line(mem, s, s->human, false));
	json_set_text(o, "machine", line(mem, s, s->machine, false));
	json_set_text(o, "click", line(mem, s, s->click, false));
	json_set(o, "axis", axis);
	json_set(o, "labels", labels(mem, from, zone));
	json_set(o, "sum", sum_json(mem, &counts));
	json_set(o, "funnel", funnel(mem, &counts, report));
	return o;
}
