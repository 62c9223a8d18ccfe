-- How far each slot of a host has come in handing mail over; the host's state directory and memcached remember it too.
-- A database that has less of it than they was restored.  See service/host_mark.h.

CREATE TABLE host_marks (
	host_id TEXT NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
	slot INTEGER NOT NULL,			-- of the slices that run at once
	n INTEGER NOT NULL,			-- grows with every intent, in the transaction of the intent
	PRIMARY KEY (host_id, slot)
) WITHOUT ROWID;
