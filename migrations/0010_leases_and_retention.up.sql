-- What is counted, leased and forgotten, so that nothing is tried or kept for longer than it should be.

-- Tries are counted together from the first one on; those that were right do not prolong it.
ALTER TABLE sign_in_attempts ADD COLUMN first_at timestamptz NOT NULL DEFAULT now();

-- What the platform role may do besides.
GRANT SELECT ON test_mails TO saleswright_platform;
GRANT UPDATE (state, body, last_error) ON system_mails TO saleswright_platform;
GRANT UPDATE (state, detail, finished_at) ON test_mails TO saleswright_platform;
CREATE POLICY across_companies ON test_mails TO saleswright_platform USING (true) WITH CHECK (true);

-- Until when the worker that took a test mail is awaited, as with mails of the system.
ALTER TABLE test_mails ADD COLUMN lease_until timestamptz;

-- Mails whose worker has not been heard of since its lease ended: nobody knows whether they arrived.
-- One that was taken before leases were written is awaited for a day.
CREATE FUNCTION platform_judge_lost_mails(now timestamptz, words text) RETURNS void
    LANGUAGE sql VOLATILE
AS $$
    UPDATE system_mails SET state = 'unknown', last_error = words
    WHERE state = 'sending' AND coalesce(lease_until, created_at + interval '1 day') < now;
    UPDATE test_mails SET state = 'unknown', detail = words, finished_at = now
    WHERE state = 'sending' AND coalesce(lease_until, created_at + interval '1 day') < now;
$$;
SELECT platform_function('platform_judge_lost_mails(timestamptz, text)');
