-- Attempts and mails of the outbox give no number twice either; see 0017_numbers.sql.

SELECT setval(pg_get_serial_sequence(s.name, 'id'),
	greatest(s.n, pg_sequence_last_value(CAST(pg_get_serial_sequence(s.name, 'id') AS regclass)))) FROM (
	SELECT 'send_attempts' AS name, max(id) AS n FROM send_attempts
	UNION ALL SELECT 'outbox_messages', max(id) FROM outbox_messages) s WHERE s.n > 0;
