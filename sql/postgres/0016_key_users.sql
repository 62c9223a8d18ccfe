-- A key acts for its user and has at most their rights; what a key makes ends with it.  Keys without a user, made by
-- command or by another key, get the first administrator; without one they stop working.  See service/api_key.h.

ALTER TABLE api_keys ADD COLUMN parent_id BIGINT REFERENCES api_keys(id);	-- the key that made it

UPDATE api_keys SET user_id = (SELECT min(id) FROM users WHERE is_admin = 1 AND disabled_at IS NULL)
	WHERE user_id IS NULL;
