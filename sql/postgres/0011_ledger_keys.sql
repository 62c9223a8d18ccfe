-- One index of the ledger serves both "once in each campaign" and "all of a person"; and the rows that bounced are found.

ALTER TABLE campaign_subscribers DROP CONSTRAINT campaign_subscribers_campaign_id_subscriber_id_key;
ALTER TABLE campaign_subscribers ADD UNIQUE (subscriber_id, campaign_id);
DROP INDEX campaign_subscribers_subscriber;
CREATE INDEX campaign_subscribers_bounced ON campaign_subscribers(campaign_id, state, id) WHERE bounced_at IS NOT NULL;
