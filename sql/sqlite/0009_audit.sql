-- Lines of the audit log stay readable when the person, the key or the object is gone: names as they were.
ALTER TABLE audit_log ADD COLUMN actor TEXT NOT NULL DEFAULT '';	-- name of the person or key
ALTER TABLE audit_log ADD COLUMN actor_email TEXT NOT NULL DEFAULT '';	-- of a person
ALTER TABLE audit_log ADD COLUMN label TEXT NOT NULL DEFAULT '';	-- name of the object
ALTER TABLE audit_log ADD COLUMN agent TEXT NOT NULL DEFAULT '';	-- browser or program
UPDATE audit_log SET
	actor = COALESCE((SELECT CASE WHEN u.name <> '' THEN u.name ELSE u.email END FROM users u WHERE u.id = audit_log.user_id),
		(SELECT k.name FROM api_keys k WHERE k.id = audit_log.api_key_id), ''),
	actor_email = COALESCE((SELECT u.email FROM users u WHERE u.id = audit_log.user_id), '');
