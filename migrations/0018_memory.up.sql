-- Runs that hand work over, ask a person or wait for a time, and what agents remember from run to run.

ALTER TABLE runs
    -- The step of its parent that waits for its end: the attempt, and the place in the work.
    ADD COLUMN parent_attempt int,
    ADD COLUMN parent_step    text,
    -- Its task holds text from outside, so that every attempt counts as having read some.
    ADD COLUMN outside_task   boolean NOT NULL DEFAULT false,
    -- When it stops waiting for an answer, or has slept long enough.
    ADD COLUMN wake_at        timestamptz,
    ADD CONSTRAINT runs_parent_step_check
        CHECK ((parent_step IS NULL) = (parent_attempt IS NULL));
CREATE INDEX runs_parent_idx ON runs (company_id, parent_id) WHERE parent_id IS NOT NULL;

CREATE OR REPLACE FUNCTION platform_waiting_runs(now timestamptz) RETURNS TABLE (company_id uuid, run_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT r.company_id, r.id FROM runs r
    WHERE r.finished_at IS NULL
      AND (r.state = 'queued' AND coalesce(r.admitted_at, r.created_at) < now - interval '30 seconds'
        OR r.state IN ('running', 'cancelling') AND r.lease_until < now
        OR r.state IN ('waiting_input', 'sleeping') AND r.wake_at <= now
        OR r.state IN ('waiting_approval', 'waiting_budget') AND EXISTS (
               SELECT FROM run_approvals a
               WHERE a.company_id = r.company_id AND a.run_id = r.id AND a.state = 'pending' AND a.expires_at < now))
    ORDER BY r.created_at LIMIT 500
$$;
SELECT platform_function('platform_waiting_runs(timestamptz)');

-- What an agent has kept for later runs.
CREATE TABLE memories (
    id          uuid PRIMARY KEY,
    company_id  uuid,
    agent_id    uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('fact', 'preference', 'lesson')),
    text        text NOT NULL CHECK (char_length(text) BETWEEN 1 AND 2000),
    -- The run had read text from outside: what it kept is data, never instructions.
    outside     boolean NOT NULL,
    run_id      uuid,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    search      tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('simple', text)) STORED,
    FOREIGN KEY (company_id, agent_id) REFERENCES agents (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, run_id) REFERENCES runs (company_id, id) ON DELETE SET NULL (run_id)
);
SELECT tenant_table('memories');
CREATE INDEX memories_agent_idx ON memories (company_id, agent_id, created_at DESC, id DESC);
CREATE INDEX memories_run_idx ON memories (company_id, run_id) WHERE run_id IS NOT NULL;
CREATE INDEX memories_expires_idx ON memories (expires_at);

-- Housekeeping: what agents were to remember for a time only.
CREATE FUNCTION platform_sweep_memories(now timestamptz) RETURNS void
    LANGUAGE sql VOLATILE
AS $$
    DELETE FROM memories WHERE expires_at <= now;
$$;
GRANT SELECT, DELETE ON memories TO saleswright_platform;
CREATE POLICY across_companies ON memories TO saleswright_platform USING (true) WITH CHECK (true);
SELECT platform_function('platform_sweep_memories(timestamptz)');
