-- Events of Amazon SES by SNS.

-- Topics a person has allowed to speak for a brand.
CREATE TABLE ses_topics (
	id INTEGER PRIMARY KEY,
	brand_id INTEGER NOT NULL REFERENCES brands(id) ON DELETE CASCADE,
	topic_arn TEXT NOT NULL,
	state TEXT NOT NULL,			-- wanted | confirmed | ended
	created_by INTEGER REFERENCES users(id) ON DELETE SET NULL,
	created_at INTEGER NOT NULL,		-- begun, for the last time
	confirmed_at INTEGER,
	last_event_at INTEGER,
	UNIQUE (brand_id, topic_arn)
);

-- Messages already taken: SNS keeps the id when it tries again.
CREATE TABLE hook_messages (
	brand_id INTEGER NOT NULL REFERENCES brands(id) ON DELETE CASCADE,
	message_id TEXT NOT NULL,
	at INTEGER NOT NULL,
	PRIMARY KEY (brand_id, message_id)
) WITHOUT ROWID;
CREATE INDEX hook_messages_at ON hook_messages(at);

-- What makes an event of a provider itself, whatever message brings it: hash of mail, type, recipient and time.
ALTER TABLE email_events ADD COLUMN effect TEXT;
CREATE UNIQUE INDEX email_events_effect ON email_events(brand_id, effect) WHERE effect IS NOT NULL;

-- For events without our tags.
CREATE INDEX send_attempts_message ON send_attempts(message_id) WHERE message_id IS NOT NULL;
