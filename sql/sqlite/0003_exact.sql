-- The rest of exact sending: campaigns that follow another one, doubts sent again, pauses that end by themselves.

ALTER TABLE campaigns ADD COLUMN parent_id INTEGER REFERENCES campaigns(id) ON DELETE SET NULL;	-- the campaign it follows
ALTER TABLE campaigns ADD COLUMN audience_kind TEXT NOT NULL DEFAULT 'lists';	-- lists | unopened | unsent: of parent_id
ALTER TABLE campaigns ADD COLUMN resume_at INTEGER;	-- of paused: goes on by itself then
ALTER TABLE campaigns ADD COLUMN resends INTEGER NOT NULL DEFAULT 0;	-- attempts with resent_at

-- An attempt in doubt that was followed by another one all the same: when, and who decided it.
ALTER TABLE send_attempts ADD COLUMN resent_at INTEGER;
ALTER TABLE send_attempts ADD COLUMN resent_by TEXT NOT NULL DEFAULT '';
