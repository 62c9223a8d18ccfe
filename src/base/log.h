#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * One line per event to stderr: JSON, or text on a terminal.  Time, level, request id,
 * brand, event, fields.  Controls are escaped; a line is cut at 4 KiB.  Never a secret.
 *
 *	log_info(lg, "campaign.started", LOG_INT("campaign", c->id),
 *	    LOG_STR("by", email));
 */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log {
	enum log_level least;
	bool json;
	int fd;
	const char *process; /* "web", "cron" ... */
	const char *request; /* request id or NULL */
	int64_t brand;       /* 0: none */
};

struct log_field {
	const char *key;
	const char *text; /* NULL: the number counts */
	int64_t number;
};

#define LOG_STR(k, v)                                                                  \
	{                                                                              \
		.key = (k), .text = (v) ? (v) : ""                                     \
	}
#define LOG_INT(k, v)                                                                  \
	{                                                                              \
		.key = (k), .number = (v)                                              \
	}

#define log_at(lg, level, event, ...)                                                  \
	log_write((lg), (level), (event),                                              \
	    (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })
#define log_debug(lg, event, ...)                                                      \
	log_at(lg, LOG_DEBUG, event __VA_OPT__(, ) __VA_ARGS__)
#define log_info(lg, event, ...) log_at(lg, LOG_INFO, event __VA_OPT__(, ) __VA_ARGS__)
#define log_warn(lg, event, ...) log_at(lg, LOG_WARN, event __VA_OPT__(, ) __VA_ARGS__)
#define log_error(lg, event, ...)                                                      \
	log_at(lg, LOG_ERROR, event __VA_OPT__(, ) __VA_ARGS__)

void log_write(const struct log *lg, enum log_level level, const char *event,
    const struct log_field *fields);
/* "debug", "info", "warn", "error"; anything else is LOG_INFO. */
enum log_level log_level_from(const char *name);
