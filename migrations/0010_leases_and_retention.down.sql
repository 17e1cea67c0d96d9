ALTER TABLE sign_in_attempts DROP COLUMN first_at;
