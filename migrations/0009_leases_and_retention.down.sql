DROP FUNCTION platform_sweep_ended(timestamptz);
DROP FUNCTION platform_judge_lost_mails(timestamptz, text);
ALTER TABLE test_mails DROP COLUMN lease_until;
DROP POLICY across_companies ON import_chunks;
DROP POLICY across_companies ON test_mails;
REVOKE ALL ON test_mails, import_chunks FROM saleswright_platform;
REVOKE DELETE, UPDATE (state, body, last_error) ON system_mails FROM saleswright_platform;
ALTER TABLE sign_in_attempts DROP COLUMN first_at;
