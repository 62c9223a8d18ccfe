#include "base/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/*
 * The INI file is read here and not by libinih: Debian's build of it cuts lines at 200
 * bytes without a word, and a Supabase key is longer.
 */
enum { FILE_MAX = 256 * 1024 };

enum kind { WORD, NUMBER, FLAG, SECRET };

struct option {
	const char *section, *key;
	enum kind kind;
	size_t at; /* in struct config */
	const char *dflt;
	int min, max;        /* NUMBER */
	const char *choices; /* WORD: "a|b", NULL for any */
};

/* clang-format off */
#define OPTION(s, k, kind_, dflt_) \
	.section = #s, .key = #k, .kind = (kind_), .at = offsetof(struct config, s.k), \
	.dflt = (dflt_)
#define TEXT(s, k, dflt) { OPTION(s, k, WORD, dflt) }
#define HIDDEN(s, k) { OPTION(s, k, SECRET, "") }
#define BOOL(s, k, dflt) { OPTION(s, k, FLAG, dflt) }
#define ONE_OF(s, k, dflt, words) { OPTION(s, k, WORD, dflt), .choices = (words) }
#define INT(s, k, dflt, least, most) \
	{ OPTION(s, k, NUMBER, dflt), .min = (least), .max = (most) }

static const struct option options[] = {
	TEXT(server, public_url, "http://127.0.0.1:8025"),
	TEXT(server, state_dir, "/var/lib/maillayer"),
	TEXT(server, share_dir, SHAREDIR),
	TEXT(server, web_socket, ""),
	TEXT(server, track_socket, ""),
	TEXT(server, cron_socket, ""),
	INT(server, web_workers, "8", 1, 256),
	INT(server, track_workers, "4", 1, 256),
	INT(server, cron_workers, "3", 1, 64),
	INT(server, slice_seconds, "50", 1, 600),
	BOOL(server, reload_templates, "false"),
	INT(server, missed_hours, "6", 1, 8760),
	HIDDEN(database, url),
	TEXT(memcached, servers, ""),
	TEXT(mail, system_from, ""),
	TEXT(supabase, url, ""),
	HIDDEN(supabase, anon_key),
	ONE_OF(supabase, algorithm, "HS256", "HS256|ES256|RS256"),
	HIDDEN(supabase, jwt_secret),
	TEXT(supabase, providers, ""),
	TEXT(supabase, browser_url, ""),
	TEXT(supabase, issuer, ""),
	TEXT(supabase, allow_private, ""),
	TEXT(supabase, ca_file, ""),
	BOOL(supabase, self_register, "false"),
	TEXT(security, key_file, ""),
	BOOL(security, allow_loopback_http, "false"),
	BOOL(security, sns_signature_v1, "false"),
	INT(security, key_rate, "120", 0, 1000000),
	INT(security, cron_rate, "6", 0, 1000000),
	TEXT(security, sns_endpoint, ""),
	TEXT(security, sns_ca_file, ""),
	ONE_OF(log, level, "info", "debug|info|warn|error"),
	ONE_OF(log, format, "auto", "auto|json|text"),
};
/* clang-format on */

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

struct reader {
	struct config *c;
	void *mem; /* the caller's: outlives a refused configuration */
	const char **why;
	char *place;        /* "file:12" or the variable's name */
	bool said[OPTIONS]; /* in the file */
};

static enum err wrong(struct reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static enum err wrong(struct reader *r, const char *fmt, ...)
{
	va_list ap;
	char *what;

	va_start(ap, fmt);
	what = mem_vprintf(r->c, fmt, ap);
	va_end(ap);
	*r->why = mem_printf(r->mem, "%s: %s", r->place, what);
	return ERR_INVALID;
}

/* ---- values ---- */

static bool among(const char *choices, const char *value)
{
	size_t n = strlen(value);

	for (const char *at = choices; at != NULL; at = strchr(at, '|')) {
		at += *at == '|';
		if (strcspn(at, "|") == n && memcmp(at, value, n) == 0)
			return true;
	}
	return false;
}

static bool to_flag(const char *value, bool *out)
{
	*out = among("true|yes|on|1", value);
	return *out || among("false|no|off|0", value);
}

static enum err assign(struct reader *r, const struct option *o, const char *value)
{
	void *to = (char *)r->c + o->at;
	int64_t number;

	switch (o->kind) {
	case NUMBER:
		if (!text_to_int(value, o->min, o->max, &number))
			return wrong(r,
			    "%s must be a whole number from %d to %d, not \"%s\"",
			    o->key, o->min, o->max, value);
		*(int *)to = (int)number;
		return OK;
	case FLAG:
		if (!to_flag(value, to))
			return wrong(r, "%s must be true or false, not \"%s\"", o->key,
			    value);
		return OK;
	case WORD:
	case SECRET: break;
	}
	if (o->choices != NULL && !among(o->choices, value))
		return wrong(r, "%s must be one of %s, not \"%s\"", o->key, o->choices,
		    value);
	*(const char **)to = mem_str(r->c, value);
	return OK;
}

/* ---- the file ---- */

static enum err unknown(struct reader *r, const char *section, const char *key)
{
	struct buf *known = buf_new(r->c);

	for (int i = 0; i < OPTIONS; i++) {
		if (text_equal(options[i].section, section))
			buf_printf(known, "%s%s", known->len ? ", " : "",
			    options[i].key);
	}
	return wrong(r, "unknown key \"%s\" in [%s]; there are %s", key, section,
	    known->data);
}

static bool is_section(const char *name)
{
	for (int i = 0; i < OPTIONS; i++) {
		if (text_equal(options[i].section, name))
			return true;
	}
	return false;
}

static enum err set(struct reader *r, const char *section, const char *key,
    const char *value)
{
	for (int i = 0; i < OPTIONS; i++) {
		if (!text_equal(options[i].section, section) ||
		    !text_equal(options[i].key, key))
			continue;
		if (r->said[i])
			return wrong(r, "%s is set twice", key);
		r->said[i] = true;
		return assign(r, &options[i], value);
	}
	return unknown(r, section, key);
}

/* One line: blank, "# comment", "; comment", "[section]" or "key = value". */
static enum err read_line(struct reader *r, char *line, char **section)
{
	char *text = text_trim(r->c, line);
	size_t n = strlen(text);
	char *equals = strchr(text, '=');

	if (n == 0 || text[0] == '#' || text[0] == ';')
		return OK;
	if (text[0] == '[') {
		if (text[n - 1] != ']')
			return wrong(r, "a section is written [name]");
		*section = text_trim(r->c, mem_strn(r->c, text + 1, n - 2));
		if (is_section(*section))
			return OK;
		return wrong(r, "unknown section [%s]", *section);
	}
	if (equals == NULL)
		return wrong(r, "this is not \"key = value\"");
	if (*section == NULL)
		return wrong(r, "this stands before the first [section]");
	*equals = '\0';
	return set(r, *section, text_trim(r->c, text), text_trim(r->c, equals + 1));
}

static enum err read_text(struct reader *r, const char *file, char *text)
{
	char *section = NULL, *line;
	enum err e = OK;

	for (int n = 1; e == OK && (line = strsep(&text, "\n")) != NULL; n++) {
		r->place = mem_printf(r->c, "%s:%d", file, n);
		e = read_line(r, line, &section);
	}
	return e;
}

static enum err read_file(struct reader *r, const char *file)
{
	char *text = mem_array(r->c, char, FILE_MAX + 1);
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	r->place = mem_str(r->c, file);
	if (fd >= 0) {
		n = read(fd, text, FILE_MAX);
		close(fd);
	}
	if (n < 0)
		return wrong(r, "cannot be read: %s", strerror(errno));
	if (n == FILE_MAX)
		return wrong(r, "is larger than %d KB: not a configuration",
		    FILE_MAX / 1024);
	if (strlen(text) != (size_t)n || !text_is_utf8(text, (size_t)n))
		return wrong(r, "is not UTF-8 text");
	return read_text(r, file, text);
}

/* ---- environment ---- */

static char *variable(void *mem, const struct option *o)
{
	char *name = mem_printf(mem, "MAILLAYER_%s_%s", o->section, o->key);

	for (char *p = name; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	return name;
}

static enum err read_environment(struct reader *r)
{
	enum err e = OK;

	for (int i = 0; i < OPTIONS && e == OK; i++) {
		const char *value;

		r->place = variable(r->c, &options[i]);
		value = getenv(r->place);
		if (value != NULL)
			e = assign(r, &options[i], value);
	}
	return e;
}

/* ---- the whole ---- */

static const char *without_slash(void *mem, const char *url)
{
	size_t n = strlen(url);

	while (n > 0 && url[n - 1] == '/')
		n--;
	return mem_strn(mem, url, n);
}

/* `value`, or a file in the state directory. */
static const char *in_state(struct config *c, const char *value, const char *name)
{
	if (!text_empty(value))
		return value;
	return mem_printf(c, "%s/%s", c->server.state_dir, name);
}

static void derive(struct config *c)
{
	c->server.state_dir = without_slash(c, c->server.state_dir);
	c->server.share_dir = without_slash(c, c->server.share_dir);
	c->server.public_url = without_slash(c, c->server.public_url);
	c->supabase.url = without_slash(c, c->supabase.url);
	c->supabase.browser_url = without_slash(c, c->supabase.browser_url);
	c->server.web_socket = in_state(c, c->server.web_socket, "run/web.sock");
	c->server.track_socket = in_state(c, c->server.track_socket, "run/track.sock");
	c->server.cron_socket = in_state(c, c->server.cron_socket, "run/cron.sock");
	c->security.key_file = in_state(c, c->security.key_file, "secret.key");
	if (text_empty(c->database.url))
		c->database.url =
		    mem_printf(c, "sqlite:%s/maillayer.db", c->server.state_dir);
}

static enum err check(struct reader *r)
{
	const char *why = config_fault(r->c, r->c);

	r->place = mem_str(r->c, r->c->file ? r->c->file : "configuration");
	return why ? wrong(r, "%s", why) : OK;
}

enum err config_load(void *mem, const char *file, struct config **out, const char **why)
{
	struct config *c = mem_new(mem, struct config);
	struct reader r = { .c = c, .mem = mem, .why = why };
	enum err e = OK;

	*out = NULL;
	r.place = mem_str(c, "default");
	c->file = mem_str(c, file);
	for (int i = 0; i < OPTIONS && e == OK; i++)
		e = assign(&r, &options[i], options[i].dflt);
	if (e == OK && file != NULL)
		e = read_file(&r, file);
	if (e == OK)
		e = read_environment(&r);
	if (e == OK) {
		derive(c);
		e = check(&r);
	}
	if (e != OK) {
		mem_free(c);
		return e;
	}
	*out = c;
	return OK;
}

/* ---- showing ---- */

/* A database URL without its password; any other secret only as "(set)". */
static const char *masked(void *mem, const char *value)
{
	const char *at = strrchr(value, '@'), *start = strstr(value, "://");
	const char *colon = start ? strchr(start + 3, ':') : NULL;

	if (text_starts(value, "sqlite:") || text_empty(value))
		return value;
	if (start == NULL || !text_starts(value, "postgres"))
		return "(set)";
	if (strstr(value, "password=") != NULL)
		return "postgresql://(set)";
	if (at == NULL || colon == NULL || colon > at)
		return value;
	return mem_printf(mem, "%.*s:***%s", (int)(colon - value), value, at);
}

static void show(void *mem, struct json_object *to, const struct config *c,
    const struct option *o)
{
	const void *at = (const char *)c + o->at;

	switch (o->kind) {
	case NUMBER: json_set_int(to, o->key, *(const int *)at); break;
	case FLAG: json_set_bool(to, o->key, *(const bool *)at); break;
	case WORD: json_set_text(to, o->key, *(const char *const *)at); break;
	case SECRET:
		json_set_text(to, o->key, masked(mem, *(const char *const *)at));
		break;
	}
}

struct json_object *config_json(void *mem, const struct config *c)
{
	struct json_object *all = json_obj(mem), *section = NULL;
	const char *name = NULL;

	for (int i = 0; i < OPTIONS; i++) {
		if (!text_equal(options[i].section, name)) {
			name = options[i].section;
			section = json_obj(mem);
			json_set(all, name, section);
		}
		show(mem, section, c, &options[i]);
	}
	return all;
}
