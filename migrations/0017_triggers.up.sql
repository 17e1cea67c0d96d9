-- Triggers: what starts runs of an agent without a person at the keyboard, a plan or something that happened.
-- What happened is written with the change that caused it; whether a run came of it is written too.

CREATE TABLE triggers (
    id              uuid PRIMARY KEY,
    company_id      uuid,
    agent_id        uuid NOT NULL,
    name            text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    kind            text NOT NULL CHECK (kind IN ('schedule', 'lead_created', 'score_crossed', 'campaign_state',
                    'incoming_webhook')),
    -- Of a schedule.
    cron            text,
    time_zone       text,
    misfire         text CHECK (misfire IN ('skip', 'once', 'all')),
    next_at         timestamptz,
    -- Which leads and campaigns count; all of them when absent.
    tag             text,
    threshold       int,
    campaign_id     uuid,
    campaign_state  text,
    -- Of an incoming webhook; the secret that its deliveries are signed with.
    secret_sealed   bytea,
    task            text NOT NULL,
    parameters      jsonb NOT NULL,
    while_busy      text NOT NULL CHECK (while_busy IN ('skip', 'queue')),
    hourly_cap      int NOT NULL CHECK (hourly_cap > 0),
    enabled         boolean NOT NULL,
    -- Why the system has disabled it.
    paused          text,
    -- Whose rights its runs have: exactly one of them.
    person_id       uuid REFERENCES users (id),
    api_key_id      uuid,
    saved_by        text NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CHECK (person_id IS NULL OR api_key_id IS NULL),
    CHECK (next_at IS NULL OR (kind = 'schedule' AND enabled))
);
SELECT tenant_table('triggers');
ALTER TABLE triggers
    ADD FOREIGN KEY (company_id, agent_id) REFERENCES agents (company_id, id) ON DELETE CASCADE,
    ADD FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE,
    ADD FOREIGN KEY (company_id, api_key_id) REFERENCES api_keys (company_id, id);
CREATE INDEX triggers_agent_idx ON triggers (company_id, agent_id, created_at);
CREATE INDEX triggers_kind_idx ON triggers (company_id, kind) WHERE enabled;
CREATE INDEX triggers_campaign_idx ON triggers (company_id, campaign_id) WHERE campaign_id IS NOT NULL;
CREATE INDEX triggers_next_at_idx ON triggers (next_at) WHERE next_at IS NOT NULL;

-- What set a trigger off, and what came of it. A row may stand for many things that happened at once.
CREATE TABLE trigger_firings (
    id           uuid PRIMARY KEY,
    company_id   uuid,
    trigger_id   uuid NOT NULL,
    at           timestamptz NOT NULL,
    cause        text NOT NULL,
    due_at       timestamptz,
    -- Id of a delivery, as its sender gave it.
    delivery     text,
    lead_id      uuid,
    campaign_id  uuid,
    -- How many triggers stand in a row behind this one.
    depth        int NOT NULL DEFAULT 1,
    events       int NOT NULL DEFAULT 1,
    state        text NOT NULL CHECK (state IN ('pending', 'started', 'not_started')),
    reason       text CHECK (reason IN ('disabled', 'rights_lost', 'too_deep', 'own_change', 'hourly_cap', 'busy', 'missed',
                 'agent_disabled', 'unfit')),
    detail       text,
    run_id       uuid,
    CONSTRAINT trigger_firings_due_key UNIQUE (company_id, trigger_id, due_at),
    CONSTRAINT trigger_firings_delivery_key UNIQUE (company_id, trigger_id, delivery),
    CHECK ((state = 'not_started') = (reason IS NOT NULL))
);
SELECT tenant_table('trigger_firings');
ALTER TABLE trigger_firings
    ADD FOREIGN KEY (company_id, trigger_id) REFERENCES triggers (company_id, id) ON DELETE CASCADE,
    ADD FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE SET NULL (lead_id),
    ADD FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE SET NULL (campaign_id),
    ADD FOREIGN KEY (company_id, run_id) REFERENCES runs (company_id, id) ON DELETE SET NULL (run_id);
CREATE INDEX trigger_firings_at_idx ON trigger_firings (company_id, trigger_id, at DESC, id DESC);
CREATE INDEX trigger_firings_pending_idx ON trigger_firings (at) WHERE state = 'pending';
CREATE INDEX trigger_firings_old_idx ON trigger_firings (at);
CREATE INDEX trigger_firings_lead_idx ON trigger_firings (company_id, lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX trigger_firings_campaign_idx ON trigger_firings (company_id, campaign_id) WHERE campaign_id IS NOT NULL;
CREATE INDEX trigger_firings_run_idx ON trigger_firings (company_id, run_id) WHERE run_id IS NOT NULL;

-- A run knows what set it off. `depth` counts the triggers behind it; `payload` came from outside with it.
ALTER TABLE runs
    ADD COLUMN trigger_id uuid,
    ADD COLUMN depth int NOT NULL DEFAULT 0,
    ADD COLUMN payload jsonb,
    ADD CONSTRAINT runs_trigger_fkey FOREIGN KEY (company_id, trigger_id) REFERENCES triggers (company_id, id)
        ON DELETE SET NULL (trigger_id);
CREATE INDEX runs_trigger_idx ON runs (company_id, trigger_id, created_at) WHERE trigger_id IS NOT NULL;

GRANT SELECT ON triggers, trigger_firings TO saleswright_platform;
GRANT UPDATE (next_at) ON triggers TO saleswright_platform;
GRANT DELETE ON trigger_firings TO saleswright_platform;
CREATE POLICY across_companies ON triggers TO saleswright_platform USING (true) WITH CHECK (true);
CREATE POLICY across_companies ON trigger_firings TO saleswright_platform USING (true) WITH CHECK (true);

-- The schedule that is due the longest, locked: a worker serves all companies and cannot know beforehand
-- whose turn it is. Those in `passed` have failed a moment ago and keep no other one waiting.
CREATE FUNCTION platform_claim_trigger(now timestamptz, passed uuid[]) RETURNS TABLE (company_id uuid, trigger_id uuid)
    LANGUAGE sql VOLATILE
AS $$
    SELECT t.company_id, t.id FROM triggers t
    WHERE t.next_at <= now AND NOT t.id = ANY (passed)
    ORDER BY t.next_at LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED
$$;
SELECT platform_function('platform_claim_trigger(timestamptz, uuid[])');

-- When a worker should look again.
CREATE FUNCTION platform_next_trigger_at() RETURNS timestamptz
    LANGUAGE sql STABLE
AS $$ SELECT min(next_at) FROM triggers WHERE next_at IS NOT NULL $$;
SELECT platform_function('platform_next_trigger_at()');

-- Triggers with something that happened and that no worker has looked at.
CREATE FUNCTION platform_waiting_triggers(now timestamptz) RETURNS TABLE (company_id uuid, trigger_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT DISTINCT f.company_id, f.trigger_id FROM trigger_firings f
    WHERE f.state = 'pending' AND f.at < now - interval '30 seconds' LIMIT 500
$$;
SELECT platform_function('platform_waiting_triggers(timestamptz)');

-- A delivery names nothing but the trigger: who sends it belongs to no company.
CREATE FUNCTION platform_trigger_company(wanted uuid) RETURNS uuid
    LANGUAGE sql STABLE
AS $$ SELECT company_id FROM triggers WHERE id = wanted AND kind = 'incoming_webhook' $$;
SELECT platform_function('platform_trigger_company(uuid)');

-- What happened is told for three months.
CREATE FUNCTION platform_sweep_firings(now timestamptz) RETURNS void
    LANGUAGE sql VOLATILE
AS $$ DELETE FROM trigger_firings WHERE at < now - interval '90 days' AND state <> 'pending' $$;
SELECT platform_function('platform_sweep_firings(timestamptz)');
