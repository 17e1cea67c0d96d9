-- Tools that answer later, and servers that say what they ask of whoever signs in.

-- What a server last asked for when it refused a call: where to sign in, and for which rights. The next attempt
-- begins there.
ALTER TABLE connectors ADD COLUMN challenge text;

-- A run has called somebody who may answer later. The row is there before the call is made, so an answer finds it
-- however early it comes and whatever becomes of the worker.
CREATE TABLE awaited_answers (
    id            uuid PRIMARY KEY,
    company_id    uuid,
    run_id        uuid NOT NULL,
    attempt       int NOT NULL,
    step_key      text NOT NULL,
    -- Whom the call went to, for people who look at the run.
    host          text NOT NULL,
    -- Signs the answer, and nothing else.
    secret_sealed bytea NOT NULL,
    expires_at    timestamptz NOT NULL,
    answer        jsonb,
    -- Tells the same answer, sent again, from another one.
    body_hash     bytea,
    answered_at   timestamptz,
    created_at    timestamptz NOT NULL,
    CHECK ((answered_at IS NULL) = (answer IS NULL) AND (answered_at IS NULL) = (body_hash IS NULL)),
    UNIQUE (company_id, run_id, attempt, step_key),
    FOREIGN KEY (company_id, run_id) REFERENCES runs (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('awaited_answers');

-- The address of an answer names no company; its id does.
CREATE FUNCTION platform_awaited_answer(id uuid) RETURNS uuid
    LANGUAGE sql STABLE
AS $$
    SELECT a.company_id FROM awaited_answers a WHERE a.id = platform_awaited_answer.id
$$;
GRANT SELECT ON awaited_answers TO saleswright_platform;
CREATE POLICY across_companies ON awaited_answers TO saleswright_platform USING (true) WITH CHECK (true);
SELECT platform_function('platform_awaited_answer(uuid)');

-- As before, with runs whose tool has not answered in time.
CREATE OR REPLACE FUNCTION platform_waiting_runs(now timestamptz) RETURNS TABLE (company_id uuid, run_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT r.company_id, r.id FROM runs r
    WHERE r.finished_at IS NULL
      AND (r.state = 'queued' AND coalesce(r.admitted_at, r.created_at) < now - interval '30 seconds'
        OR r.state IN ('running', 'cancelling') AND r.lease_until < now
        OR r.state IN ('waiting_input', 'waiting_tool', 'sleeping') AND r.wake_at <= now
        OR r.state IN ('waiting_approval', 'waiting_budget') AND EXISTS (
               SELECT FROM run_approvals a
               WHERE a.company_id = r.company_id AND a.run_id = r.id AND a.state = 'pending' AND a.expires_at < now))
    ORDER BY r.created_at LIMIT 500
$$;
SELECT platform_function('platform_waiting_runs(timestamptz)');
