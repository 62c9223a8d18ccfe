-- Attempts and mails of the outbox give no number twice either; see 0017_numbers.sql.

PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, char(10, 9) || 'id INTEGER PRIMARY KEY,', char(10, 9) || 'id INTEGER PRIMARY KEY AUTOINCREMENT,')
	WHERE type = 'table' AND name IN ('send_attempts', 'outbox_messages');
PRAGMA writable_schema = RESET;
INSERT INTO sqlite_sequence (name, seq)
	SELECT 'send_attempts', COALESCE(max(id), 0) FROM send_attempts
	UNION ALL SELECT 'outbox_messages', COALESCE(max(id), 0) FROM outbox_messages;

-- Other connections read the texts of the tables again when a table is made.
CREATE TABLE numbers_end (id INTEGER);
DROP TABLE numbers_end;
