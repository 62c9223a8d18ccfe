-- The ledger at a million rows: one index less to write for every state a message goes through (another had the same
-- columns), and one for those that are to be tried again, by time.

DROP INDEX campaign_subscribers_open;
CREATE INDEX campaign_subscribers_retry ON campaign_subscribers(campaign_id, next_try_at) WHERE state = 3;
