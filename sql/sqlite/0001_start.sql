-- Times are UTC milliseconds; booleans are 0/1; names of states stand in src/model.

CREATE TABLE settings (
	key TEXT PRIMARY KEY,
	value TEXT NOT NULL,
	updated_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE users (
	id INTEGER PRIMARY KEY,
	supabase_user_id TEXT UNIQUE,
	email TEXT NOT NULL,
	email_key TEXT NOT NULL UNIQUE,
	name TEXT NOT NULL DEFAULT '',
	password_hash TEXT,
	is_admin INTEGER NOT NULL DEFAULT 0,
	disabled_at INTEGER,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
);

CREATE TABLE sessions (
	id INTEGER PRIMARY KEY,
	user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
	token_hash BLOB NOT NULL UNIQUE,	-- SHA-256 of the cookie
	csrf TEXT NOT NULL,
	ip TEXT NOT NULL DEFAULT '',
	agent TEXT NOT NULL DEFAULT '',
	created_at INTEGER NOT NULL,
	seen_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
);
CREATE INDEX sessions_user ON sessions(user_id);

CREATE TABLE brands (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	from_name TEXT NOT NULL DEFAULT '',
	from_email TEXT NOT NULL DEFAULT '',
	reply_to TEXT NOT NULL DEFAULT '',
	postal_address TEXT NOT NULL DEFAULT '',
	time_zone TEXT NOT NULL DEFAULT 'UTC',
	hook_token TEXT NOT NULL UNIQUE,	-- public address of /hooks/ses/
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
);

CREATE TABLE providers (
	brand_id INTEGER PRIMARY KEY REFERENCES brands(id) ON DELETE CASCADE,
	kind TEXT NOT NULL DEFAULT 'outbox',	-- outbox | ses
	region TEXT NOT NULL DEFAULT '',
	endpoint TEXT NOT NULL DEFAULT '',	-- '' = Amazon's own for the region
	configuration_set TEXT NOT NULL DEFAULT '',
	mode TEXT NOT NULL DEFAULT 'auto',	-- auto | bulk | single
	rate REAL NOT NULL DEFAULT 0,		-- recipients a second; 0 = as the account says
	access_key_id TEXT NOT NULL DEFAULT '',
	secret BLOB,				-- sealed secret access key
	account_key TEXT NOT NULL DEFAULT '',	-- what shares one rate: hash of region and key id
	max_rate REAL NOT NULL DEFAULT 0,	-- as GetAccount said
	max_day REAL NOT NULL DEFAULT 0,
	sent_day REAL NOT NULL DEFAULT 0,
	account_json TEXT NOT NULL DEFAULT '{}',
	checked_at INTEGER,
	updated_at INTEGER NOT NULL
);

CREATE TABLE members (
	brand_id INTEGER NOT NULL REFERENCES brands(id) ON DELETE CASCADE,
	user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
	role TEXT NOT NULL,			-- owner | admin | editor | viewer
	created_at INTEGER NOT NULL,
	PRIMARY KEY (brand_id, user_id)
);
CREATE INDEX members_user ON members(user_id);

CREATE TABLE api_keys (
	id INTEGER PRIMARY KEY,
	brand_id INTEGER REFERENCES brands(id) ON DELETE CASCADE,	-- NULL: all brands
	user_id INTEGER REFERENCES users(id) ON DELETE SET NULL,
	name TEXT NOT NULL,
	prefix TEXT NOT NULL,			-- first characters, to recognise it
	key_hash BLOB NOT NULL UNIQUE,
	scopes TEXT NOT NULL,			-- read,write,send
	created_at INTEGER NOT NULL,
	last_used_at INTEGER,
	expires_at INTEGER,
	revoked_at INTEGER
);
CREATE INDEX api_keys_brand ON api_keys(brand_id);

CREATE TABLE lists (
	id INTEGER PRIMARY KEY,
	brand_id INTEGER NOT NULL REFERENCES brands(id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	description TEXT NOT NULL DEFAULT '',
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	UNIQUE (brand_id, name)
);

CREATE TABLE fields (
	id INTEGER PRIMARY KEY,
	brand_id INTEGER NOT NULL REFERENCES brands(id) ON DELETE CASCADE,
	key TEXT NOT NULL,
	label TEXT NOT NULL,
	type TEXT NOT NULL,			-- text | number | date | boolean | choice
	choices TEXT NOT NULL DEFAULT '[]',	-- JSON array of text
	position INTEGER NOT NULL DEFAULT 0,
	created_at INTEGER NOT NULL,
	UNIQUE (brand_id, key)
);

CREATE TABLE subscribers (
	id INTEGER PRIMARY KEY,
	brand_id INTEGER NOT NULL REFERENCES brands(id) ON DELETE CASCADE,
	email TEXT NOT NULL,
	email_key TEXT NOT NULL,		-- lower case, IDNA
	status TEXT NOT NULL,			-- active unconfirmed unsubscribed bounced complained
	first_name TEXT NOT NULL DEFAULT '',
	last_name TEXT NOT NULL DEFAULT '',
	custom TEXT NOT NULL DEFAULT '{}',	-- JSON object by fields.key
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	UNIQUE (brand_id, email_key)
);
CREATE INDEX subscribers_status ON subscribers(brand_id, status, id);
CREATE INDEX subscribers_created ON subscribers(brand_id, id);

CREATE TABLE list_subscribers (
	list_id INTEGER NOT NULL REFERENCES lists(id) ON DELETE CASCADE,
	subscriber_id INTEGER NOT NULL REFERENCES subscribers(id) ON DELETE CASCADE,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (list_id, subscriber_id)
) WITHOUT ROWID;
CREATE INDEX list_subscribers_subscriber ON list_subscribers(subscriber_id);

CREATE TABLE subscriber_tags (
	subscriber_id INTEGER NOT NULL REFERENCES subscribers(id) ON DELETE CASCADE,
	brand_id INTEGER NOT NULL REFERENCES brands(id) ON DELETE CASCADE,
	tag TEXT NOT NULL,
	PRIMARY KEY (subscriber_id, tag)
) WITHOUT ROWID;
CREATE INDEX subscriber_tags_tag ON subscriber_tags(brand_id, tag);

CREATE TABLE consents (
	id INTEGER PRIMARY KEY,
	brand_id INTEGER NOT NULL REFERENCES brands(id) ON DELETE CASCADE,
	subscriber_id INTEGER NOT NULL REFERENCES subscribers(id) ON DELETE CASCADE,
	action TEXT NOT NULL,			-- subscribed unsubscribed resubscribed confirmed
	source TEXT NOT NULL,			-- page api import one-click link
	campaign_id INTEGER,
	ip TEXT NOT NULL DEFAULT '',
	detail TEXT NOT NULL DEFAULT '',
	created_at INTEGER NOT NULL
);
CREATE INDEX consents_subscriber ON consents(subscriber_id);

-- Outlives deletion and import: no reference to the subscriber.
CREATE TABLE suppressions (
	brand_id INTEGER NOT NULL REFERENCES brands(id) ON DELETE CASCADE,
	email_key TEXT NOT NULL,
	reason TEXT NOT NULL,			-- unsubscribed bounced complained manual
	detail TEXT NOT NULL DEFAULT '',
	created_at INTEGER NOT NULL,
	PRIMARY KEY (brand_id, email_key)
) WITHOUT ROWID;

CREATE TABLE imports (
	id INTEGER PRIMARY KEY,
	brand_id INTEGER NOT NULL REFERENCES brands(id) ON DELETE CASCADE,
	file_name TEXT NOT NULL,
	state TEXT NOT NULL,			-- mapping waiting running done failed cancelled
	size INTEGER NOT NULL,			-- bytes
	format TEXT NOT NULL DEFAULT '{}',	-- JSON: delimiter, encoding, columns, samples, guesses
	mapping TEXT NOT NULL DEFAULT '{}',	-- JSON: column -> field
	lists TEXT NOT NULL DEFAULT '[]',	-- JSON array of list ids
	existing TEXT NOT NULL DEFAULT 'update',-- update | fill | leave
	position INTEGER NOT NULL DEFAULT 0,	-- bytes of the file already settled
	rows_read INTEGER NOT NULL DEFAULT 0,
	rows_new INTEGER NOT NULL DEFAULT 0,
	rows_updated INTEGER NOT NULL DEFAULT 0,
	rows_unchanged INTEGER NOT NULL DEFAULT 0,
	rows_suppressed INTEGER NOT NULL DEFAULT 0,
	rows_invalid INTEGER NOT NULL DEFAULT 0,
	error TEXT NOT NULL DEFAULT '',
	created_by INTEGER REFERENCES users(id) ON DELETE SET NULL,
	lease_owner TEXT,
	lease_until INTEGER,
	created_at INTEGER NOT NULL,
	started_at INTEGER,
	finished_at INTEGER
);
CREATE INDEX imports_brand ON imports(brand_id, id);
CREATE INDEX imports_open ON imports(id) WHERE state IN ('waiting', 'running');

CREATE TABLE import_chunks (
	import_id INTEGER NOT NULL REFERENCES imports(id) ON DELETE CASCADE,
	number INTEGER NOT NULL,		-- from 0; every chunk but the last has the same size
	data BLOB NOT NULL,
	PRIMARY KEY (import_id, number)
);

CREATE TABLE import_refusals (
	import_id INTEGER NOT NULL REFERENCES imports(id) ON DELETE CASCADE,
	row INTEGER NOT NULL,			-- line of data, from 1
	reason TEXT NOT NULL,
	content TEXT NOT NULL,			-- the row as CSV
	PRIMARY KEY (import_id, row)
) WITHOUT ROWID;

CREATE TABLE campaigns (
	id INTEGER PRIMARY KEY,
	brand_id INTEGER NOT NULL REFERENCES brands(id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	status TEXT NOT NULL DEFAULT 'draft',	-- draft scheduled sending paused completed cancelled
	subject TEXT NOT NULL DEFAULT '',
	preview_text TEXT NOT NULL DEFAULT '',
	html TEXT NOT NULL DEFAULT '',
	body_text TEXT NOT NULL DEFAULT '',
	from_name TEXT NOT NULL DEFAULT '',
	from_email TEXT NOT NULL DEFAULT '',
	reply_to TEXT NOT NULL DEFAULT '',
	track_opens INTEGER NOT NULL DEFAULT 1,
	track_clicks INTEGER NOT NULL DEFAULT 1,
	on_doubt TEXT NOT NULL DEFAULT 'hold',	-- hold | evidence | resend
	send_at INTEGER,
	send_zone TEXT NOT NULL DEFAULT '',
	audience INTEGER NOT NULL DEFAULT 0,	-- rows in the ledger once frozen
	freeze_after INTEGER NOT NULL DEFAULT 0,-- subscriber id up to which the audience is in the ledger
	frozen_at INTEGER,			-- audience complete
	started_at INTEGER,
	finished_at INTEGER,
	pause_reason TEXT NOT NULL DEFAULT '',
	version INTEGER NOT NULL DEFAULT 1,	-- rises with every edit
	created_by INTEGER REFERENCES users(id) ON DELETE SET NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
);
CREATE INDEX campaigns_brand ON campaigns(brand_id, id);
CREATE INDEX campaigns_due ON campaigns(send_at) WHERE status IN ('scheduled', 'sending');

CREATE TABLE campaign_audience (
	campaign_id INTEGER NOT NULL REFERENCES campaigns(id) ON DELETE CASCADE,
	list_id INTEGER NOT NULL REFERENCES lists(id) ON DELETE CASCADE,
	exclude INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (campaign_id, list_id)
) WITHOUT ROWID;

CREATE TABLE campaign_links (
	campaign_id INTEGER NOT NULL REFERENCES campaigns(id) ON DELETE CASCADE,
	number INTEGER NOT NULL,
	url TEXT NOT NULL,
	label TEXT NOT NULL DEFAULT '',
	people INTEGER NOT NULL DEFAULT 0,	-- unique, by people
	clicks INTEGER NOT NULL DEFAULT 0,	-- all, by people
	machines INTEGER NOT NULL DEFAULT 0,	-- all, by machines
	PRIMARY KEY (campaign_id, number)
) WITHOUT ROWID;

-- The ledger: one row per campaign and subscriber. States: src/model/delivery.h.
CREATE TABLE campaign_subscribers (
	id INTEGER PRIMARY KEY,
	campaign_id INTEGER NOT NULL REFERENCES campaigns(id) ON DELETE CASCADE,
	subscriber_id INTEGER NOT NULL,
	email TEXT NOT NULL,
	email_key TEXT NOT NULL,
	state INTEGER NOT NULL DEFAULT 0,
	reason TEXT NOT NULL DEFAULT '',	-- of skipped, rejected, retry, doubt
	owner TEXT,				-- worker that claimed it
	attempt_id INTEGER,			-- the last attempt
	tries INTEGER NOT NULL DEFAULT 0,
	next_try_at INTEGER,			-- of retry
	message_id TEXT,
	claimed_at INTEGER,
	settled_at INTEGER,
	delivered_at INTEGER,
	bounced_at INTEGER,
	bounce TEXT NOT NULL DEFAULT '',	-- permanent | transient, and the code
	complained_at INTEGER,
	unsubscribed_at INTEGER,
	opened_at INTEGER,			-- first open by a person
	machine_opened_at INTEGER,
	clicked_at INTEGER,
	machine_clicked_at INTEGER,
	UNIQUE (campaign_id, subscriber_id),
	UNIQUE (campaign_id, email_key)
);
-- Only what is still open (pending, claimed, intent, retry), so claiming never walks the settled.
CREATE INDEX campaign_subscribers_open ON campaign_subscribers(campaign_id, state, id) WHERE state < 4;
CREATE INDEX campaign_subscribers_state ON campaign_subscribers(campaign_id, state, id);
CREATE INDEX campaign_subscribers_subscriber ON campaign_subscribers(subscriber_id);

-- How many rows of the ledger are in each state; changed in the same transaction as the rows.
CREATE TABLE campaign_counts (
	campaign_id INTEGER NOT NULL REFERENCES campaigns(id) ON DELETE CASCADE,
	state INTEGER NOT NULL,
	n INTEGER NOT NULL,
	PRIMARY KEY (campaign_id, state)
) WITHOUT ROWID;

-- Append-only: the intent to send, written and synced before a byte leaves; the id travels as a message tag.
CREATE TABLE send_attempts (
	id INTEGER PRIMARY KEY,
	campaign_id INTEGER NOT NULL,
	delivery_id INTEGER NOT NULL,
	started_at INTEGER NOT NULL,
	finished_at INTEGER,
	outcome INTEGER NOT NULL DEFAULT 0,	-- 0 open, else the state it led to
	message_id TEXT,
	error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX send_attempts_delivery ON send_attempts(delivery_id);

CREATE TABLE email_events (
	id INTEGER PRIMARY KEY,
	brand_id INTEGER NOT NULL,
	campaign_id INTEGER NOT NULL,
	subscriber_id INTEGER NOT NULL,
	type INTEGER NOT NULL,			-- src/model/event.h
	machine INTEGER NOT NULL DEFAULT 0,
	link INTEGER NOT NULL DEFAULT 0,
	client TEXT NOT NULL DEFAULT '',	-- family of the mail client or browser
	detail TEXT NOT NULL DEFAULT '',
	at INTEGER NOT NULL
);
CREATE INDEX email_events_subscriber ON email_events(subscriber_id, id);
CREATE INDEX email_events_campaign ON email_events(campaign_id, id);

CREATE TABLE campaign_stats (
	campaign_id INTEGER PRIMARY KEY REFERENCES campaigns(id) ON DELETE CASCADE,
	delivered INTEGER NOT NULL DEFAULT 0,
	opened INTEGER NOT NULL DEFAULT 0,	-- people, each once
	opens INTEGER NOT NULL DEFAULT 0,	-- by people, all
	machine_opened INTEGER NOT NULL DEFAULT 0,	-- recipients opened by machines only so far, each once
	machine_opens INTEGER NOT NULL DEFAULT 0,
	clicked INTEGER NOT NULL DEFAULT 0,
	clicks INTEGER NOT NULL DEFAULT 0,
	machine_clicked INTEGER NOT NULL DEFAULT 0,
	machine_clicks INTEGER NOT NULL DEFAULT 0,
	bounced INTEGER NOT NULL DEFAULT 0,	-- permanent
	soft_bounced INTEGER NOT NULL DEFAULT 0,
	complained INTEGER NOT NULL DEFAULT 0,
	unsubscribed INTEGER NOT NULL DEFAULT 0,
	last_event_at INTEGER
);

CREATE TABLE campaign_hours (
	campaign_id INTEGER NOT NULL REFERENCES campaigns(id) ON DELETE CASCADE,
	hour INTEGER NOT NULL,			-- ms / 3600000
	opened INTEGER NOT NULL DEFAULT 0,	-- first opens by people
	machine_opened INTEGER NOT NULL DEFAULT 0,
	clicked INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (campaign_id, hour)
) WITHOUT ROWID;

CREATE TABLE campaign_clients (
	campaign_id INTEGER NOT NULL REFERENCES campaigns(id) ON DELETE CASCADE,
	client TEXT NOT NULL,
	people INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (campaign_id, client)
) WITHOUT ROWID;

-- How far each spool file has been read, in the transaction of its events: exactly once.
CREATE TABLE spool_files (
	name TEXT PRIMARY KEY,			-- host and file
	position INTEGER NOT NULL,
	updated_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE outbox_messages (
	id INTEGER PRIMARY KEY,
	brand_id INTEGER NOT NULL REFERENCES brands(id) ON DELETE CASCADE,
	campaign_id INTEGER,
	subscriber_id INTEGER,
	attempt_id INTEGER UNIQUE,
	kind TEXT NOT NULL,			-- campaign | test | system
	from_header TEXT NOT NULL,
	to_email TEXT NOT NULL,
	subject TEXT NOT NULL,
	headers TEXT NOT NULL,			-- JSON array of [name, value]
	html TEXT NOT NULL,
	body_text TEXT NOT NULL,
	created_at INTEGER NOT NULL
);
CREATE INDEX outbox_messages_brand ON outbox_messages(brand_id, id);

CREATE TABLE idempotency_keys (
	caller TEXT NOT NULL,			-- user or key
	key TEXT NOT NULL,
	request_hash BLOB NOT NULL,
	status INTEGER NOT NULL DEFAULT 0,	-- 0: being worked on
	body TEXT NOT NULL DEFAULT '',
	created_at INTEGER NOT NULL,
	PRIMARY KEY (caller, key)
) WITHOUT ROWID;

CREATE TABLE audit_log (
	id INTEGER PRIMARY KEY,
	brand_id INTEGER,
	user_id INTEGER,
	api_key_id INTEGER,
	action TEXT NOT NULL,			-- campaign.send, list.create ...
	object_id INTEGER,
	detail TEXT NOT NULL DEFAULT '{}',
	ip TEXT NOT NULL DEFAULT '',
	at INTEGER NOT NULL
);
CREATE INDEX audit_log_brand ON audit_log(brand_id, id);
