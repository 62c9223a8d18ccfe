-- Whom the end of an attempt is about: refusals of the account are nobody's own, and a doubt that our own death left says
-- nothing about the provider.

ALTER TABLE send_attempts ADD COLUMN cause BIGINT NOT NULL DEFAULT 0;	-- src/model/delivery.h
ALTER TABLE campaign_subscribers ADD COLUMN refusals BIGINT NOT NULL DEFAULT 0;	-- answers about this recipient that leave hope

-- Who was given up after many tries is given up, not refused: such a mail can be sent again.
UPDATE send_attempts SET outcome = 3 WHERE outcome = 5 AND id IN (SELECT attempt_id FROM campaign_subscribers
	WHERE state = 5 AND reason LIKE 'Given up after %');
INSERT INTO campaign_counts (campaign_id, state, n)
	SELECT campaign_id, 9, count(*) FROM campaign_subscribers WHERE state = 5 AND reason LIKE 'Given up after %'
		GROUP BY campaign_id
	ON CONFLICT (campaign_id, state) DO UPDATE SET n = campaign_counts.n + excluded.n;
UPDATE campaign_counts SET n = n - (SELECT count(*) FROM campaign_subscribers d
		WHERE d.campaign_id = campaign_counts.campaign_id AND d.state = 5 AND d.reason LIKE 'Given up after %')
	WHERE state = 5;
UPDATE campaign_subscribers SET state = 9 WHERE state = 5 AND reason LIKE 'Given up after %';
