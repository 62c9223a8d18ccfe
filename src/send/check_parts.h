#pragma once

#include "send/check.h"

/* The parts of the checklist: check.c and check_mail.c. */
enum { CHECKS_MAX = 60, SUBJECT_LONG = 70, GMAIL_BYTES = 102 * 1024 };

/* One checklist being made. */
struct making {
	void *mem;
	const struct check_view *v;
	const struct campaign *c;
	struct content *content; /* as it would be sent */
	struct checklist *list;
};

struct check *check_add(struct making *m, const char *key, enum check_level level);
void check_say(struct making *m, const char *key, enum check_level level,
    const char *title, const char *todo);
/*
 * Composes the mail for the example people as it would be sent, reads it as a mail
 * reader does, and judges what is seen: content, links, pictures, size ...
 */
enum err check_mail(struct making *m) MUST_CHECK;
