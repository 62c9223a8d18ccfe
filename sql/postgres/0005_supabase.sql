-- Sessions that began at Supabase Auth.

ALTER TABLE sessions ADD COLUMN supabase BYTEA;	-- sealed tokens of the session there; NULL: began here
ALTER TABLE sessions ADD COLUMN verified_until BIGINT;	-- end of what Supabase last said
ALTER TABLE sessions ADD COLUMN renewing_until BIGINT NOT NULL DEFAULT 0;	-- a process is asking Supabase
