-- Runs: an agent does a task. What a run is about to do is written before it does it and what came of it
-- afterwards, so that a worker that ends in the middle leaves a run that another one goes on with.

CREATE TABLE runs (
    id                uuid PRIMARY KEY,
    company_id        uuid,
    agent_id          uuid NOT NULL,
    agent_version     int NOT NULL,
    -- Its name when the run was made.
    agent             text NOT NULL,
    task              text NOT NULL,
    parameters        jsonb NOT NULL,
    limits            jsonb NOT NULL,
    state             text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'waiting_approval',
                      'waiting_input', 'waiting_tool', 'waiting_child', 'waiting_budget', 'sleeping', 'cancelling',
                      'succeeded', 'failed', 'cancelled', 'timed_out')),
    answer            text,
    -- Why it failed: a code, and words.
    failure           text,
    failure_detail    text,
    -- Whose rights it has. Exactly one of them, or none for the system itself.
    person_id         uuid REFERENCES users (id),
    api_key_id        uuid,
    started_by        text NOT NULL,
    origin            text NOT NULL CHECK (origin IN ('person', 'key', 'schedule', 'trigger', 'agent', 'system')),
    parent_id         uuid,
    attempt           int NOT NULL DEFAULT 1,
    -- What it has used in this attempt; cost in millionths of a US dollar, time in milliseconds.
    steps             int NOT NULL DEFAULT 0,
    tokens_in         bigint NOT NULL DEFAULT 0,
    tokens_out        bigint NOT NULL DEFAULT 0,
    cost_micros       bigint NOT NULL DEFAULT 0,
    active_ms         bigint NOT NULL DEFAULT 0,
    -- It has read text from outside: grants no longer count, only approval of exact arguments does.
    read_outside      boolean NOT NULL DEFAULT false,
    granted_tools     text[] NOT NULL DEFAULT '{}',
    -- The last number given to an event.
    seq               int NOT NULL DEFAULT 0,
    admitted_at       timestamptz,
    -- Grows with each claim; whoever holds an older number can write nothing any more.
    fence             bigint NOT NULL DEFAULT 0,
    lease_until       timestamptz,
    crashes           int NOT NULL DEFAULT 0,
    cancel_requested_at timestamptz,
    created_at        timestamptz NOT NULL,
    started_at        timestamptz,
    finished_at       timestamptz,
    CHECK (person_id IS NULL OR api_key_id IS NULL)
);
SELECT tenant_table('runs');
ALTER TABLE runs
    ADD FOREIGN KEY (company_id, agent_id) REFERENCES agents (company_id, id) ON DELETE CASCADE,
    ADD FOREIGN KEY (company_id, parent_id) REFERENCES runs (company_id, id) ON DELETE SET NULL (parent_id),
    ADD FOREIGN KEY (company_id, api_key_id) REFERENCES api_keys (company_id, id);
CREATE INDEX runs_created_at_idx ON runs (company_id, created_at DESC, id DESC);
CREATE INDEX runs_agent_idx ON runs (company_id, agent_id, created_at DESC);
CREATE INDEX runs_open_idx ON runs (company_id, created_at, id) WHERE finished_at IS NULL;
CREATE INDEX runs_queue_idx ON runs (company_id, created_at, id) WHERE state = 'queued' AND admitted_at IS NULL;

-- What a run did, in order. `key` names the place in the work, so that a run that goes on finds what it has.
CREATE TABLE run_steps (
    company_id   uuid,
    run_id       uuid NOT NULL,
    attempt      int NOT NULL,
    number       int NOT NULL,
    key          text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('tool_call', 'model_call', 'text', 'answer', 'handoff', 'memory_write')),
    name         text NOT NULL,
    risk         text CHECK (risk IN ('read', 'write', 'unsafe')),
    -- The effect and its outcome are one commit: whether it happened is never in doubt.
    atomic       boolean NOT NULL,
    state        text NOT NULL CHECK (state IN ('intended', 'waiting', 'done', 'failed', 'denied', 'unknown')),
    input        jsonb NOT NULL,
    output       jsonb,
    error        text,
    -- The output holds text from outside: data, never instructions.
    outside      boolean NOT NULL DEFAULT false,
    model        text,
    tokens_in    bigint NOT NULL DEFAULT 0,
    tokens_out   bigint NOT NULL DEFAULT 0,
    cost_micros  bigint NOT NULL DEFAULT 0,
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    PRIMARY KEY (company_id, run_id, attempt, number),
    UNIQUE (company_id, run_id, attempt, key),
    FOREIGN KEY (company_id, run_id) REFERENCES runs (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('run_steps');

-- What readers of a stream are told, in order and without gaps.
CREATE TABLE run_events (
    company_id  uuid,
    run_id      uuid NOT NULL,
    seq         int NOT NULL,
    at          timestamptz NOT NULL,
    kind        text NOT NULL,
    data        jsonb NOT NULL,
    PRIMARY KEY (company_id, run_id, seq),
    FOREIGN KEY (company_id, run_id) REFERENCES runs (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('run_events');

-- A question to a person: the tool with exactly these arguments, or more of a limit.
CREATE TABLE run_approvals (
    id            uuid PRIMARY KEY,
    company_id    uuid,
    run_id        uuid NOT NULL,
    attempt       int NOT NULL,
    step_key      text NOT NULL,
    tool          text NOT NULL,
    arguments     jsonb NOT NULL,
    -- Of the arguments as they were asked for: what is done is what was approved.
    hash          bytea NOT NULL,
    edited        jsonb,
    state         text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'withdrawn')),
    for_this_run  boolean NOT NULL DEFAULT false,
    reason        text,
    decided_by    text,
    decided_at    timestamptz,
    expires_at    timestamptz NOT NULL,
    created_at    timestamptz NOT NULL,
    UNIQUE (company_id, run_id, attempt, step_key),
    FOREIGN KEY (company_id, run_id) REFERENCES runs (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('run_approvals');
CREATE INDEX run_approvals_pending_idx ON run_approvals (company_id, created_at) WHERE state = 'pending';

-- Runs that wait without anybody having been woken, whose worker is silent, or whose question has expired.
CREATE FUNCTION platform_waiting_runs(now timestamptz) RETURNS TABLE (company_id uuid, run_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT r.company_id, r.id FROM runs r
    WHERE r.finished_at IS NULL
      AND (r.state = 'queued' AND coalesce(r.admitted_at, r.created_at) < now - interval '30 seconds'
        OR r.state IN ('running', 'cancelling') AND r.lease_until < now
        OR r.state IN ('waiting_approval', 'waiting_budget') AND EXISTS (
               SELECT FROM run_approvals a
               WHERE a.company_id = r.company_id AND a.run_id = r.id AND a.state = 'pending' AND a.expires_at < now))
    ORDER BY r.created_at LIMIT 500
$$;
GRANT SELECT ON runs, run_approvals TO saleswright_platform;
CREATE POLICY across_companies ON runs TO saleswright_platform USING (true) WITH CHECK (true);
CREATE POLICY across_companies ON run_approvals TO saleswright_platform USING (true) WITH CHECK (true);
SELECT platform_function('platform_waiting_runs(timestamptz)');
CREATE INDEX runs_unfinished_idx ON runs (state, created_at) WHERE finished_at IS NULL;
