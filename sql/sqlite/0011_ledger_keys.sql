-- One index of the ledger serves both "once in each campaign" and "all of a person"; and the rows that bounced are found.
-- SQLite changes no key of a table that is there.

CREATE TABLE ledger_anew (
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
	UNIQUE (subscriber_id, campaign_id),
	UNIQUE (campaign_id, email_key)
);
INSERT INTO ledger_anew SELECT * FROM campaign_subscribers ORDER BY id;
DROP TABLE campaign_subscribers;
ALTER TABLE ledger_anew RENAME TO campaign_subscribers;
CREATE INDEX campaign_subscribers_state ON campaign_subscribers(campaign_id, state, id);
CREATE INDEX campaign_subscribers_retry ON campaign_subscribers(campaign_id, next_try_at) WHERE state = 3;
CREATE INDEX campaign_subscribers_bounced ON campaign_subscribers(campaign_id, state, id) WHERE bounced_at IS NOT NULL;
