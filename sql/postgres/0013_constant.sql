-- What a click, a trigger and the home page cost does not grow with what was ever sent.

-- Has this person clicked this link?
CREATE INDEX email_events_clicked ON email_events(campaign_id, subscriber_id, link) WHERE type = 2 AND machine = 0;

-- Campaigns that a trigger looks at.
DROP INDEX campaigns_due;
CREATE INDEX campaigns_status ON campaigns(status, send_at);
ALTER TABLE campaigns ADD COLUMN tidied_at BIGINT;	-- of cancelled: no row is open any more
UPDATE campaigns SET tidied_at = updated_at WHERE status = 'cancelled' AND NOT EXISTS
	(SELECT 1 FROM campaign_counts n WHERE n.campaign_id = campaigns.id AND n.state < 4 AND n.n > 0);
CREATE INDEX campaigns_untidy ON campaigns(id) WHERE status = 'cancelled' AND tidied_at IS NULL;
CREATE INDEX campaigns_policy ON campaigns(status, id) WHERE on_doubt <> 'hold';
CREATE INDEX campaigns_parent ON campaigns(parent_id);

-- What has had its time is found by it.
CREATE INDEX sessions_expires ON sessions(expires_at);
CREATE INDEX sessions_seen ON sessions(seen_at);
CREATE INDEX password_resets_expires ON password_resets(expires_at);
CREATE INDEX idempotency_keys_created ON idempotency_keys(created_at);

-- How many people a brand has, by kind of count; changed in the same transaction as the people.  See repo/people_count.h.
CREATE TABLE people_counts (
	brand_id BIGINT NOT NULL REFERENCES brands(id) ON DELETE CASCADE,
	kind TEXT NOT NULL,			-- status | day | list | active | tag | suppressed
	item TEXT COLLATE "C" NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (brand_id, kind, item)
);
INSERT INTO people_counts (brand_id, kind, item, n)
	SELECT brand_id, 'status', status, count(*) FROM subscribers GROUP BY brand_id, status
	UNION ALL SELECT brand_id, 'day', CAST(100000 + created_at / 86400000 AS TEXT), count(*) FROM subscribers GROUP BY 1, 3
	UNION ALL SELECT s.brand_id, 'list', CAST(m.list_id AS TEXT), count(*)
		FROM list_subscribers m JOIN subscribers s ON s.id = m.subscriber_id GROUP BY s.brand_id, m.list_id
	UNION ALL SELECT s.brand_id, 'active', CAST(m.list_id AS TEXT), count(*)
		FROM list_subscribers m JOIN subscribers s ON s.id = m.subscriber_id
		WHERE s.status = 'active' GROUP BY s.brand_id, m.list_id
	UNION ALL SELECT brand_id, 'tag', tag, count(*) FROM subscriber_tags GROUP BY brand_id, tag
	UNION ALL SELECT brand_id, 'suppressed', '', count(*) FROM suppressions GROUP BY brand_id;
