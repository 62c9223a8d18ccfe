-- What an open or a click was judged by is kept, so that later rules can judge it again.

CREATE TABLE user_agents (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	text TEXT NOT NULL UNIQUE
);
ALTER TABLE email_events ADD COLUMN agent_id INTEGER;			-- NULL: not kept
ALTER TABLE email_events ADD COLUMN sent_ms INTEGER;			-- since the mail was handed over; NULL: not known
ALTER TABLE email_events ADD COLUMN reason INTEGER NOT NULL DEFAULT 0;	-- why a machine: src/model/event.h
ALTER TABLE email_events ADD COLUMN rules INTEGER NOT NULL DEFAULT 0;	-- version of the rules; 0: before there were versions
UPDATE email_events SET reason = CASE client WHEN 'Apple privacy proxy' THEN 1 ELSE 3 END WHERE machine = 1;

-- The opens and clicks of one recipient: the first of each kind, and those of some seconds.
CREATE INDEX email_events_moments ON email_events(campaign_id, subscriber_id, type, machine, at) WHERE type <= 2;
-- A timeline is in the order of time.
DROP INDEX email_events_subscriber;
CREATE INDEX email_events_subscriber ON email_events(subscriber_id, at, id);

-- How far the history has been judged by a version of the rules.
CREATE TABLE judgements (
	rules INTEGER PRIMARY KEY,
	event_id INTEGER NOT NULL,
	finished_at INTEGER
);

-- The first event is the earliest one, in whatever order events are read.
UPDATE campaign_subscribers SET opened_at = coalesce((SELECT min(e.at) FROM email_events e
	WHERE e.campaign_id = campaign_subscribers.campaign_id AND e.subscriber_id = campaign_subscribers.subscriber_id
		AND e.type IN (1, 2) AND e.type <= 2 AND e.machine = 0), opened_at) WHERE opened_at IS NOT NULL;
UPDATE campaign_subscribers SET clicked_at = coalesce((SELECT min(e.at) FROM email_events e
	WHERE e.campaign_id = campaign_subscribers.campaign_id AND e.subscriber_id = campaign_subscribers.subscriber_id
		AND e.type = 2 AND e.type <= 2 AND e.machine = 0), clicked_at) WHERE clicked_at IS NOT NULL;
UPDATE campaign_subscribers SET machine_opened_at = coalesce((SELECT min(e.at) FROM email_events e
	WHERE e.campaign_id = campaign_subscribers.campaign_id AND e.subscriber_id = campaign_subscribers.subscriber_id
		AND e.type = 1 AND e.type <= 2 AND e.machine = 1), machine_opened_at) WHERE machine_opened_at IS NOT NULL;
UPDATE campaign_subscribers SET machine_clicked_at = coalesce((SELECT min(e.at) FROM email_events e
	WHERE e.campaign_id = campaign_subscribers.campaign_id AND e.subscriber_id = campaign_subscribers.subscriber_id
		AND e.type = 2 AND e.type <= 2 AND e.machine = 1), machine_clicked_at) WHERE machine_clicked_at IS NOT NULL;

-- People whose open only a click proves: so that people who opened are never more than opens.
ALTER TABLE campaign_stats ADD COLUMN click_opened INTEGER NOT NULL DEFAULT 0;
UPDATE campaign_stats SET click_opened = (SELECT count(*) FROM campaign_subscribers d
	WHERE d.campaign_id = campaign_stats.campaign_id AND d.clicked_at IS NOT NULL AND NOT EXISTS
		(SELECT 1 FROM email_events e WHERE e.campaign_id = d.campaign_id AND e.subscriber_id = d.subscriber_id
			AND e.type = 1 AND e.type <= 2 AND e.machine = 0)) WHERE clicked > 0;

-- An hour counts each recipient once: by the first open of a person, or of a machine while there was none by a person.
DELETE FROM campaign_hours;
INSERT INTO campaign_hours (campaign_id, hour, opened, machine_opened, clicked)
	SELECT campaign_id, hour, sum(opened), sum(machine), sum(clicked) FROM (
		SELECT campaign_id, opened_at / 3600000 AS hour, 1 AS opened, 0 AS machine, 0 AS clicked
			FROM campaign_subscribers WHERE opened_at IS NOT NULL
		UNION ALL SELECT campaign_id, machine_opened_at / 3600000, 0, 1, 0
			FROM campaign_subscribers WHERE machine_opened_at IS NOT NULL AND opened_at IS NULL
		UNION ALL SELECT campaign_id, clicked_at / 3600000, 0, 0, 1
			FROM campaign_subscribers WHERE clicked_at IS NOT NULL) x
	GROUP BY campaign_id, hour;

-- "Read with": the client of the earliest event of a person.
DELETE FROM campaign_clients;
INSERT INTO campaign_clients (campaign_id, client, people)
	SELECT campaign_id, client, count(*) FROM (
		SELECT d.campaign_id, (SELECT min(e.client) FROM email_events e
			WHERE e.campaign_id = d.campaign_id AND e.subscriber_id = d.subscriber_id AND e.type IN (1, 2)
				AND e.type <= 2 AND e.machine = 0 AND e.at = d.opened_at) AS client
			FROM campaign_subscribers d WHERE d.opened_at IS NOT NULL) x
	WHERE client IS NOT NULL GROUP BY campaign_id, client;

-- To how many people mails in doubt were sent again.
CREATE INDEX send_attempts_resent ON send_attempts(campaign_id, delivery_id) WHERE resent_at IS NOT NULL;
