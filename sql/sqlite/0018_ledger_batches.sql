-- The ledger anew: ranges of it are leased, what is under way stands in batches, and an attempt is written only for what was
-- not accepted at the first try.

-- What workers of before had in their hands when they ended: their claims are open again, their intents are in doubt unless
-- the outbox has the mail.
UPDATE send_attempts SET finished_at = started_at, cause = 4, outcome = CASE WHEN EXISTS
	(SELECT 1 FROM outbox_messages m WHERE m.attempt_id = send_attempts.id) THEN 4 ELSE 7 END
	WHERE outcome = 0;
UPDATE campaign_subscribers SET reason = 'The sending process ended before the provider''s answer was known.', state = 7
	WHERE state = 2;
UPDATE campaign_subscribers SET reason = '', state = 4 WHERE state = 7 AND attempt_id IN
	(SELECT m.attempt_id FROM outbox_messages m);
UPDATE campaign_subscribers SET settled_at = (SELECT a.finished_at FROM send_attempts a WHERE a.id = attempt_id)
	WHERE state IN (4, 7) AND settled_at IS NULL;
UPDATE campaign_subscribers SET state = CASE WHEN tries > 0 THEN 3 ELSE 0 END,
	next_try_at = CASE WHEN tries > 0 THEN 1 END WHERE state = 1 OR state = 0 AND tries > 0;

-- Whoever has the mail of an earlier attempt is accepted, whatever the row waited for.
UPDATE campaign_subscribers SET state = 4, reason = '', next_try_at = NULL, settled_at = coalesce(settled_at, 1),
	message_id = coalesce(message_id, (SELECT max(a.message_id) FROM send_attempts a WHERE
	a.delivery_id = campaign_subscribers.id AND a.outcome = 4))
	WHERE state NOT IN (0, 4) AND id IN (SELECT delivery_id FROM send_attempts WHERE outcome = 4)
	OR state = 0 AND tries > 0 AND id IN (SELECT delivery_id FROM send_attempts WHERE outcome = 4);

CREATE TABLE ledger_ids (
	old INTEGER PRIMARY KEY,
	new INTEGER NOT NULL
);
INSERT INTO ledger_ids (old, new) SELECT id, (campaign_id << 32) + row_number() OVER
	(PARTITION BY campaign_id ORDER BY CASE WHEN state = 0 THEN 1 ELSE 0 END, id)
	FROM campaign_subscribers;

CREATE TABLE ledger_anew (
	id INTEGER PRIMARY KEY,			-- campaign * 2^32 + number, so one key has the rows of a campaign in order
	campaign_id INTEGER NOT NULL,		-- no foreign key: a campaign with rows is never deleted
	subscriber_id INTEGER NOT NULL,
	settled_at INTEGER,
	next_try_at INTEGER,			-- of retry
	delivered_at INTEGER,
	bounced_at INTEGER,
	complained_at INTEGER,
	unsubscribed_at INTEGER,
	opened_at INTEGER,			-- first open by a person
	machine_opened_at INTEGER,
	clicked_at INTEGER,
	machine_clicked_at INTEGER,
	state SMALLINT NOT NULL DEFAULT 0,	-- model/delivery.h; 0 also while leased or in a batch for the first time
	tries SMALLINT NOT NULL DEFAULT 0,	-- those whose result is known
	refusals SMALLINT NOT NULL DEFAULT 0,	-- answers about this recipient that leave hope
	email_key TEXT NOT NULL,
	email TEXT,				-- NULL: the same as email_key
	message_id TEXT,
	reason TEXT NOT NULL DEFAULT '',	-- of skipped, rejected, retry, doubt
	bounce TEXT NOT NULL DEFAULT '',	-- permanent | transient, and the code
	rare SMALLINT GENERATED ALWAYS AS (CASE WHEN state IN (0, 4) THEN NULL ELSE state END) VIRTUAL,
	UNIQUE (campaign_id, email_key),
	UNIQUE (subscriber_id, campaign_id)
);
INSERT INTO ledger_anew (id, campaign_id, subscriber_id, settled_at, next_try_at, delivered_at, bounced_at, complained_at,
	unsubscribed_at, opened_at, machine_opened_at, clicked_at, machine_clicked_at, state, tries, refusals, email_key, email, message_id,
	reason, bounce)
	SELECT m.new, d.campaign_id, d.subscriber_id, d.settled_at, d.next_try_at, d.delivered_at, d.bounced_at, d.complained_at,
	d.unsubscribed_at, d.opened_at, d.machine_opened_at, d.clicked_at, d.machine_clicked_at, d.state, d.tries, d.refusals, d.email_key,
	nullif(d.email, d.email_key), d.message_id, d.reason, d.bounce
	FROM campaign_subscribers d JOIN ledger_ids m ON m.old = d.id ORDER BY m.new;

CREATE TABLE attempts_anew (
	id INTEGER PRIMARY KEY,
	campaign_id INTEGER NOT NULL,
	delivery_id INTEGER NOT NULL,
	try SMALLINT NOT NULL,
	started_at INTEGER NOT NULL,
	finished_at INTEGER NOT NULL,
	outcome SMALLINT NOT NULL,		-- the state it led to
	cause SMALLINT NOT NULL DEFAULT 0,	-- src/model/delivery.h
	message_id TEXT,
	error TEXT NOT NULL DEFAULT '',
	resent_at INTEGER,			-- followed by another one though in doubt: when, and who decided it
	resent_by TEXT NOT NULL DEFAULT '',
	UNIQUE (delivery_id, try)
);
INSERT INTO attempts_anew SELECT a.id, a.campaign_id, m.new, row_number() OVER (PARTITION BY a.delivery_id ORDER BY a.id),
	a.started_at, coalesce(a.finished_at, a.started_at), a.outcome, a.cause, a.message_id, a.error, a.resent_at, a.resent_by
	FROM send_attempts a JOIN ledger_ids m ON m.old = a.delivery_id ORDER BY a.id;

CREATE TABLE outbox_anew (
	id INTEGER PRIMARY KEY,
	brand_id INTEGER NOT NULL REFERENCES brands(id) ON DELETE CASCADE,
	campaign_id INTEGER,
	subscriber_id INTEGER,
	delivery_id INTEGER,
	try SMALLINT,
	kind TEXT NOT NULL,			-- campaign | test | system
	from_header TEXT NOT NULL,
	to_email TEXT NOT NULL,
	subject TEXT NOT NULL,
	headers TEXT NOT NULL,			-- JSON array of [name, value]
	html TEXT NOT NULL,
	body_text TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	UNIQUE (delivery_id, try)
);
INSERT INTO outbox_anew SELECT o.id, o.brand_id, o.campaign_id, o.subscriber_id, a.delivery_id, a.try, o.kind, o.from_header,
	o.to_email, o.subject, o.headers, o.html, o.body_text, o.created_at
	FROM outbox_messages o LEFT JOIN attempts_anew a ON a.id = o.attempt_id;

DROP TABLE ledger_ids;
DROP TABLE campaign_subscribers;
ALTER TABLE ledger_anew RENAME TO campaign_subscribers;
CREATE INDEX campaign_subscribers_rare ON campaign_subscribers(campaign_id, rare, id) WHERE rare IS NOT NULL;
CREATE INDEX campaign_subscribers_retry ON campaign_subscribers(campaign_id, next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX campaign_subscribers_bounced ON campaign_subscribers(campaign_id, id) WHERE bounced_at IS NOT NULL;
DROP TABLE send_attempts;
ALTER TABLE attempts_anew RENAME TO send_attempts;
CREATE INDEX send_attempts_message ON send_attempts(message_id) WHERE message_id IS NOT NULL;
DROP TABLE outbox_messages;
ALTER TABLE outbox_anew RENAME TO outbox_messages;
CREATE INDEX outbox_messages_brand ON outbox_messages(brand_id, id);

-- The first row of a campaign that nobody has leased; and one behind the last that was settled beyond it, after a restore.
CREATE TABLE send_cursors (
	campaign_id INTEGER PRIMARY KEY,
	next_id INTEGER NOT NULL,
	seen_to INTEGER NOT NULL DEFAULT 0
);
-- Ranges next_id <= id < to_id of which the rows in state 0 are a worker's; without an owner they were given back.
CREATE TABLE send_leases (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	campaign_id INTEGER NOT NULL,
	next_id INTEGER NOT NULL,
	to_id INTEGER NOT NULL,
	owner TEXT
);
CREATE INDEX send_leases_campaign ON send_leases(campaign_id, next_id);
-- The intent to send, written and synced before a byte leaves.  Closed when every result is known.
CREATE TABLE send_batches (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	campaign_id INTEGER NOT NULL,
	owner TEXT,				-- NULL: closed
	started_at INTEGER NOT NULL,
	left_open INTEGER NOT NULL,		-- deliveries whose result is not known
	deliveries TEXT NOT NULL		-- JSON array of [row, try]; empty when closed
);
CREATE INDEX send_batches_open ON send_batches(campaign_id) WHERE owner IS NOT NULL;

INSERT INTO send_cursors (campaign_id, next_id) SELECT campaign_id,
	coalesce(min(CASE WHEN state = 0 THEN id END), max(id) + 1) FROM campaign_subscribers GROUP BY campaign_id;
DELETE FROM campaign_counts;
INSERT INTO campaign_counts (campaign_id, state, n) SELECT campaign_id, state, count(*) FROM campaign_subscribers
	GROUP BY campaign_id, state;
