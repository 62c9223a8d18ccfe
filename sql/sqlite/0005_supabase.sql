-- Sessions that began at Supabase Auth.

ALTER TABLE sessions ADD COLUMN supabase BLOB;	-- sealed tokens of the session there; NULL: began here
ALTER TABLE sessions ADD COLUMN verified_until INTEGER;	-- end of what Supabase last said
ALTER TABLE sessions ADD COLUMN renewing_until INTEGER NOT NULL DEFAULT 0;	-- a process is asking Supabase
