#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/postgres.h"

#include "base/crypto.h"
#include "base/mem.h"

enum { NUMBER_BYTES = 32, TYPE_BOOL = 16, TYPE_BYTEA = 17 };

struct pg_stmt {
	char name[16];     /* "" : not kept by the server */
	unsigned connects; /* of the connection that knows it */
	int n_params;
	const char **values;
	int *lengths, *formats;
	char (*numbers)[NUMBER_BYTES];
	PGresult *r;
	void *decoded; /* owner of decoded bytes of r */
};

/* ---- reading the text ---- */

/* Steps over a quoted text or a comment that begins at p; p if none does. */
static const char *skip(const char *p)
{
	const char *end;

	if (*p == '\'' || *p == '"')
		end = strchr(p + 1, *p);
	else if (p[0] == '-' && p[1] == '-')
		end = strchr(p, '\n');
	else if (p[0] == '/' && p[1] == '*')
		end = (end = strstr(p + 2, "*/")) == NULL ? NULL : end + 1;
	else
		return p;
	return end == NULL ? p + strlen(p) : end + 1;
}

/* The highest n of its $n. */
static int count_params(const char *sql)
{
	int most = 0;

	while (*sql != '\0') {
		const char *after = skip(sql);

		if (after != sql) {
			sql = after;
			continue;
		}
		if (sql[0] == '$' && isdigit((unsigned char)sql[1])) {
			int n = (int)strtol(sql + 1, NULL, 10);

			most = n > most ? n : most;
		}
		sql++;
	}
	return most;
}

static bool begins_with_word(const char *sql, const char *word)
{
	return strncasecmp(sql, word, strlen(word)) == 0;
}

static bool writes(const char *sql)
{
	static const char *const verbs[] = { "INSERT ", "UPDATE ", "DELETE " };

	while (isspace((unsigned char)*sql) || skip(sql) != sql)
		sql = isspace((unsigned char)*sql) ? sql + 1 : skip(sql);
	if (begins_with_word(sql, "SELECT") || begins_with_word(sql, "VALUES"))
		return false;
	if (!begins_with_word(sql, "WITH"))
		return true;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcasestr(sql, verbs[i]) != NULL)
			return true;
	return false;
}

/* ---- preparing ---- */

static int clear_result(struct pg_stmt *st)
{
	PQclear(st->r);
	return 0;
}

/* Tells the server, once in each connection.  It infers the types of the parameters. */
static enum err introduce(struct pg *pg, struct stmt *s)
{
	struct pg_stmt *st = s->state;
	PGresult *r;
	enum err e;

	if (st->name[0] == '\0' || st->connects == pg->db->connects)
		return OK;
	e = pg_settle(pg, NULL);
	if (e != OK)
		return e;
	r = PQprepare(pg->c, st->name, s->sql, 0, NULL);
	e = pg_result(pg, r, s->sql);
	PQclear(r);
	if (e == OK)
		st->connects = pg->db->connects;
	return e;
}

enum err pg_prepare(struct stmt *s)
{
	struct pg *pg = s->db->state;
	struct pg_stmt *st = mem_new(s, struct pg_stmt);
	size_t n = (size_t)count_params(s->sql);
	enum err e;

	s->state = st;
	s->writes = writes(s->sql);
	st->n_params = (int)n;
	st->values = mem_array(st, const char *, n);
	st->lengths = mem_array(st, int, n);
	st->formats = mem_array(st, int, n);
	st->numbers = mem_zero_array(st, NUMBER_BYTES, n, "numbers");
	mem_on_free(st, clear_result);
	if (s->key == NULL)
		return OK;
	snprintf(st->name, sizeof(st->name), "s%u", ++pg->names);
	if (s->db->depth > 0 && s->db->doomed != OK)
		return OK; /* the server would refuse it; run_once asks again */
	e = pg_ready(pg);
	return e == OK ? introduce(pg, s) : e;
}

/* ---- running ---- */

static void fill(const struct stmt *s, struct pg_stmt *st)
{
	static const struct value null = { .type = VALUE_NULL };

	for (int i = 0; i < st->n_params; i++) {
		const struct value *v = stmt_value(s, i + 1);

		v = v == NULL ? &null : v;
		st->values[i] = v->p;
		st->lengths[i] = (int)v->n;
		st->formats[i] = v->type == VALUE_BLOB;
		if (v->type == VALUE_INT)
			snprintf(st->numbers[i], NUMBER_BYTES, "%lld", (long long)v->i);
		else if (v->type == VALUE_DOUBLE)
			snprintf(st->numbers[i], NUMBER_BYTES, "%.17g", v->d);
		if (v->type == VALUE_INT || v->type == VALUE_DOUBLE)
			st->values[i] = st->numbers[i];
		else if (v->type == VALUE_NULL)
			st->values[i] = NULL;
	}
}

static void take_counts(struct stmt *s, const struct pg_stmt *st)
{
	s->n_rows = PQntuples(st->r);
	s->changes = s->writes ? strtoll(PQcmdTuples(st->r), NULL, 10) : 0;
}

static enum err run_once(struct pg *pg, struct stmt *s)
{
	struct pg_stmt *st = s->state;
	enum err e = introduce(pg, s);

	if (e != OK)
		return e;
	fill(s, st);
	if (st->name[0] != '\0')
		st->r = PQexecPrepared(pg->c, st->name, st->n_params, st->values,
		    st->lengths, st->formats, 0);
	else
		st->r = PQexecParams(pg->c, s->sql, st->n_params, NULL, st->values,
		    st->lengths, st->formats, 0);
	e = pg_result(pg, st->r, s->sql);
	if (e == OK)
		take_counts(s, st);
	return e;
}

/*
 * A connection lost while reading is made anew once.  After a lost write nobody knows
 * whether it was done, so it is not done again.
 */
static enum err run_alone(struct pg *pg, struct stmt *s)
{
	enum err e = pg_ready(pg);

	if (e == OK)
		e = run_once(pg, s);
	if (e == OK || !pg_lost(pg) || s->writes)
		return e;
	pg_forget(s);
	e = pg_ready(pg);
	return e == OK ? run_once(pg, s) : e;
}

/* Sends it behind what is queued, and behind the BEGIN. */
static enum err send(struct pg *pg, struct stmt *s)
{
	struct pg_stmt *st = s->state;
	enum err e = pg_ready(pg);
	int sent;

	if (e == OK)
		e = introduce(pg, s);
	if (e == OK)
		e = pg_begin_now(pg);
	if (e != OK)
		return e;
	fill(s, st);
	PQenterPipelineMode(pg->c);
	if (st->name[0] != '\0')
		sent = PQsendQueryPrepared(pg->c, st->name, st->n_params, st->values,
		    st->lengths, st->formats, 0);
	else
		sent = PQsendQueryParams(pg->c, s->sql, st->n_params, NULL, st->values,
		    st->lengths, st->formats, 0);
	return pg_sent(pg, s->sql, sent);
}

enum err pg_run(struct stmt *s)
{
	struct pg *pg = s->db->state;
	struct pg_stmt *st = s->state;
	enum err e;

	if (s->db->depth == 0)
		return run_alone(pg, s);
	e = send(pg, s);
	if (e == OK)
		e = pg_settle(pg, &st->r);
	if (e == OK)
		take_counts(s, st);
	return e;
}

enum err pg_queue(struct stmt *s)
{
	struct pg *pg = s->db->state;
	const struct pg_stmt *st = s->state;
	enum err e;

	if (st->name[0] == '\0') /* its text may be gone before the answer is there */
		return pg_run(s);
	e = send(pg, s);
	return e == OK && pg->queued >= PG_QUEUE_MAX ? pg_settle(pg, NULL) : e;
}

/* ---- columns ---- */

static void decode_bytea(struct pg_stmt *st, const char *hex, struct value *out)
{
	size_t n = strlen(hex) < 2 ? 0 : strlen(hex) / 2 - 1;
	char *p;

	if (st->decoded == NULL)
		st->decoded = mem_scope(st, "bytes");
	p = mem_zero(st->decoded, n + 1, "bytea");
	if (n > 0 && !hex_decode(hex + 2, p, n))
		n = 0;
	*out = (struct value){ .type = VALUE_BLOB, .p = p, .n = n };
}

void pg_cell(struct stmt *s, int col, struct value *out)
{
	struct pg_stmt *st = s->state;
	int row = (int)s->row;
	const char *p;

	if (col < 0 || col >= PQnfields(st->r) || PQgetisnull(st->r, row, col))
		return;
	p = PQgetvalue(st->r, row, col);
	if (PQftype(st->r, col) == TYPE_BYTEA) {
		decode_bytea(st, p, out);
		return;
	}
	if (PQftype(st->r, col) == TYPE_BOOL)
		p = p[0] == 't' ? "1" : "0";
	*out = (struct value){ .type = VALUE_TEXT, .p = p, .n = strlen(p) };
}

void pg_forget(struct stmt *s)
{
	struct pg_stmt *st = s->state;

	PQclear(st->r);
	st->r = NULL;
	mem_free(st->decoded);
	st->decoded = NULL;
}
