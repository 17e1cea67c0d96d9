DROP FUNCTION by_key(uuid[]);
