-- A number never comes back: links, files, events and logs name it when its row is gone.  Sequences give none twice, unless they
-- were restored or copied without their rows: they go on behind every number that was given, also those whose rows are gone but
-- which somebody still names.

CREATE TABLE numbers_seen (
	name TEXT NOT NULL,
	n BIGINT
);
INSERT INTO numbers_seen (name, n)
	SELECT 'users', max(id) FROM users
	UNION ALL SELECT 'users', max(user_id) FROM audit_log
	UNION ALL SELECT 'sessions', max(id) FROM sessions
	UNION ALL SELECT 'brands', max(id) FROM brands
	UNION ALL SELECT 'brands', max(brand_id) FROM audit_log
	UNION ALL SELECT 'brands', max(brand_id) FROM email_events
	UNION ALL SELECT 'api_keys', max(id) FROM api_keys
	UNION ALL SELECT 'api_keys', max(api_key_id) FROM audit_log
	UNION ALL SELECT 'lists', max(id) FROM lists
	UNION ALL SELECT 'fields', max(id) FROM fields
	UNION ALL SELECT 'subscribers', max(id) FROM subscribers
	UNION ALL SELECT 'subscribers', max(subscriber_id) FROM campaign_subscribers
	UNION ALL SELECT 'subscribers', max(subscriber_id) FROM email_events
	UNION ALL SELECT 'subscribers', max(subscriber_id) FROM outbox_messages
	UNION ALL SELECT 'subscribers', max(freeze_after) FROM campaigns
	UNION ALL SELECT 'consents', max(id) FROM consents
	UNION ALL SELECT 'imports', max(id) FROM imports
	UNION ALL SELECT 'campaigns', max(id) FROM campaigns
	UNION ALL SELECT 'campaigns', max(campaign_id) FROM send_attempts
	UNION ALL SELECT 'campaigns', max(campaign_id) FROM email_events
	UNION ALL SELECT 'campaigns', max(campaign_id) FROM outbox_messages
	UNION ALL SELECT 'campaigns', max(campaign_id) FROM consents
	UNION ALL SELECT 'email_events', max(id) FROM email_events
	UNION ALL SELECT 'audit_log', max(id) FROM audit_log
	UNION ALL SELECT 'ses_topics', max(id) FROM ses_topics
	UNION ALL SELECT 'invitations', max(id) FROM invitations;
INSERT INTO numbers_seen (name, n)
	SELECT w.name, max(a.object_id) FROM audit_log a JOIN (
		SELECT 'user.' AS word, 'users' AS name
		UNION ALL SELECT 'member.', 'users'
		UNION ALL SELECT 'session.', 'sessions'
		UNION ALL SELECT 'brand.', 'brands'
		UNION ALL SELECT 'api_key.', 'api_keys'
		UNION ALL SELECT 'list.', 'lists'
		UNION ALL SELECT 'field.', 'fields'
		UNION ALL SELECT 'subscriber.', 'subscribers'
		UNION ALL SELECT 'import.', 'imports'
		UNION ALL SELECT 'campaign.', 'campaigns'
		UNION ALL SELECT 'provider.topic', 'ses_topics'
		UNION ALL SELECT 'invitation.', 'invitations') w ON a.action LIKE w.word || '%'
	GROUP BY w.name;
SELECT setval(pg_get_serial_sequence(name, 'id'),
	greatest(max(n), pg_sequence_last_value(CAST(pg_get_serial_sequence(name, 'id') AS regclass))))
	FROM numbers_seen WHERE n > 0 GROUP BY name;
DROP TABLE numbers_seen;
