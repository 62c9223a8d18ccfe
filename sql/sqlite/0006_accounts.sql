-- Links for a new password, and the second factor.
CREATE TABLE password_resets (
	token_hash BLOB PRIMARY KEY,		-- SHA-256 of the word in the link
	user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
);
CREATE INDEX password_resets_user ON password_resets(user_id);

ALTER TABLE users ADD COLUMN totp_secret BLOB;	-- sealed, context "totp:<id>"; NULL: no second factor
ALTER TABLE users ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0;	-- the last step of 30 s whose code was used

-- What is left of a person's recovery codes: one is removed when it is used.
CREATE TABLE recovery_codes (
	user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
	code_hash BLOB NOT NULL,			-- SHA-256
	PRIMARY KEY (user_id, code_hash)
);
