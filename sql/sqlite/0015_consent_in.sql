-- What files say of who left, values that could not be read, and suppressions as a list.

ALTER TABLE imports ADD COLUMN rows_unsubscribed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE imports ADD COLUMN rows_noted INTEGER NOT NULL DEFAULT 0;	-- stored without a value that could not be read
ALTER TABLE import_refusals ADD COLUMN noted INTEGER NOT NULL DEFAULT 0;	-- 1: the row was stored all the same
CREATE INDEX suppressions_time ON suppressions(brand_id, created_at, email_key);
CREATE INDEX suppressions_reason ON suppressions(brand_id, reason, created_at, email_key);
