#pragma once

#include <stdint.h>
#include <json-c/json.h>

enum {
	LIST_NAME_MAX = 100,
	FIELD_KEY_MAX = 40,
	FIELD_LABEL_MAX = 60,
	FIELDS_MAX = 60,
	CHOICES_MAX = 100,
	NAME_MAX_CHARS = 200,
	VALUE_MAX = 2000,
	TAG_MAX = 50,
	TAGS_MAX = 50,
	EMAIL_MAX = 254
};

struct list {
	int64_t id, brand_id;
	const char *name, *description;
	int64_t created_at;
	int64_t subscribers, active; /* where counted */
};

enum field_type { FIELD_TEXT, FIELD_NUMBER, FIELD_DATE, FIELD_BOOLEAN, FIELD_CHOICE };

struct field {
	int64_t id, brand_id;
	const char *key, *label;
	enum field_type type;
	struct json_object *choices; /* array of text */
};

enum subscriber_status {
	SUBSCRIBER_ACTIVE,
	SUBSCRIBER_UNCONFIRMED,
	SUBSCRIBER_UNSUBSCRIBED,
	SUBSCRIBER_BOUNCED,
	SUBSCRIBER_COMPLAINED
};

struct subscriber {
	int64_t id, brand_id;
	const char *email, *email_key;
	enum subscriber_status status;
	const char *first_name, *last_name;
	struct json_object *custom; /* by fields.key */
	struct json_object *tags;   /* array of text; NULL where not loaded */
	int64_t created_at, updated_at;
};

enum import_state {
	IMPORT_MAPPING,
	IMPORT_WAITING,
	IMPORT_RUNNING,
	IMPORT_DONE,
	IMPORT_FAILED,
	IMPORT_CANCELLED
};
