-- Open invitations into a brand: one an address.  Taken, revoked and renewed ones stand in audit_log.
CREATE TABLE invitations (
	id INTEGER PRIMARY KEY,
	brand_id INTEGER NOT NULL REFERENCES brands(id) ON DELETE CASCADE,
	email TEXT NOT NULL,
	email_key TEXT NOT NULL,
	role TEXT NOT NULL,			-- owner | admin | editor | viewer
	token_hash BLOB NOT NULL UNIQUE,	-- SHA-256 of the word in the link
	by_mail INTEGER NOT NULL DEFAULT 0,	-- sent by mail; else a link was shown
	invited_by INTEGER REFERENCES users(id) ON DELETE SET NULL,
	inviter TEXT NOT NULL DEFAULT '',	-- their name as it was
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	UNIQUE (brand_id, email_key)
);
CREATE INDEX invitations_email ON invitations(email_key);
CREATE INDEX invitations_inviter ON invitations(invited_by);
