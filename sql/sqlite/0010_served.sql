-- Turns of campaigns: who was served longest ago comes first.

ALTER TABLE campaigns ADD COLUMN served_at INTEGER;
