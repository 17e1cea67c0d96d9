-- What is counted, leased and forgotten, so that nothing is tried or kept for longer than it should be.

-- Tries are counted together from the first one on; those that were right do not prolong it.
ALTER TABLE sign_in_attempts ADD COLUMN first_at timestamptz NOT NULL DEFAULT now();

-- What the platform role may do besides.
GRANT SELECT, DELETE ON test_mails, import_chunks TO saleswright_platform;
GRANT DELETE ON system_mails TO saleswright_platform;
GRANT UPDATE (state, body, last_error) ON system_mails TO saleswright_platform;
GRANT UPDATE (state, detail, finished_at) ON test_mails TO saleswright_platform;
CREATE POLICY across_companies ON test_mails TO saleswright_platform USING (true) WITH CHECK (true);
CREATE POLICY across_companies ON import_chunks TO saleswright_platform USING (true) WITH CHECK (true);

-- Until when the worker that took a test mail is awaited, as with mails of the system.
ALTER TABLE test_mails ADD COLUMN lease_until timestamptz;

-- Mails whose worker has not been heard of since its lease ended: nobody knows whether they arrived.
-- One that was taken before leases were written is awaited for a day.
CREATE FUNCTION platform_judge_lost_mails(now timestamptz, words text) RETURNS void
    LANGUAGE sql VOLATILE
AS $$
    UPDATE system_mails SET state = 'unknown', body = '', last_error = words
    WHERE state = 'sending' AND coalesce(lease_until, created_at + interval '1 day') < now;
    UPDATE test_mails SET state = 'unknown', detail = words, finished_at = now
    WHERE state = 'sending' AND coalesce(lease_until, created_at + interval '1 day') < now;
$$;
SELECT platform_function('platform_judge_lost_mails(timestamptz, text)');

-- Links in mails that have ended open nothing any more for whoever reads the table.
SET LOCAL ROLE saleswright_platform;
UPDATE system_mails SET body = '' WHERE state NOT IN ('waiting', 'sending');
RESET ROLE;

-- Housekeeping: what has ended and is kept for a time only. The rows of an import stay, its file goes.
CREATE FUNCTION platform_sweep_ended(now timestamptz) RETURNS void
    LANGUAGE sql VOLATILE
AS $$
    DELETE FROM system_mails WHERE state NOT IN ('waiting', 'sending') AND created_at < now - interval '30 days';
    DELETE FROM test_mails WHERE state NOT IN ('waiting', 'sending') AND created_at < now - interval '30 days';
    DELETE FROM import_chunks c USING imports i
    WHERE i.company_id = c.company_id AND i.id = c.import_id AND i.finished_at < now - interval '7 days';
$$;
SELECT platform_function('platform_sweep_ended(timestamptz)');
