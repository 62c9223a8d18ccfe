-- Who sends: a restored or copied database knows that it is not where it was.  See service/host.h.

CREATE TABLE hosts (
	id TEXT PRIMARY KEY,			-- random; also in the host's state directory
	name TEXT NOT NULL,			-- what the system calls it, for people
	nonce TEXT NOT NULL,			-- of its last visit; its file has the same one
	held TEXT NOT NULL DEFAULT '',		-- '' | new | copied | restored: sends nothing until confirmed
	held_at INTEGER,
	seen_at INTEGER NOT NULL,
	created_at INTEGER NOT NULL
) WITHOUT ROWID;
