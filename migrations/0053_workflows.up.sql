-- Workflows: when something happens to a lead, and the lead is as the conditions say, the actions follow.
-- What happened is written with the change that caused it; what came of each action is written with its effect.

CREATE TABLE workflows (
    id             uuid PRIMARY KEY,
    company_id     uuid,
    name           text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    kind           text NOT NULL CHECK (kind IN ('lead_created', 'score_crossed', 'replied', 'status_changed', 'unsubscribed',
                   'bounced', 'task_done')),
    trigger        jsonb NOT NULL CHECK (trigger ->> 'kind' = kind),
    conditions     jsonb NOT NULL,
    actions        jsonb NOT NULL CHECK (jsonb_typeof(actions) = 'array'),
    once_per_lead  boolean NOT NULL,
    hourly_cap     int NOT NULL CHECK (hourly_cap > 0),
    enabled        boolean NOT NULL,
    -- Why the system has turned it off.
    paused         text,
    -- How many leads it has shared out among people.
    turn           bigint NOT NULL DEFAULT 0,
    -- With whose rights it acts: exactly one of them, or the system itself.
    person_id      uuid REFERENCES users (id),
    api_key_id     uuid,
    saved_by       text NOT NULL,
    version        bigint NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    CHECK (person_id IS NULL OR api_key_id IS NULL),
    CHECK (NOT enabled OR jsonb_array_length(actions) > 0)
);
SELECT tenant_table('workflows');
ALTER TABLE workflows ADD FOREIGN KEY (company_id, api_key_id) REFERENCES api_keys (company_id, id);
CREATE INDEX workflows_kind_idx ON workflows (company_id, kind) WHERE enabled;

-- What set a workflow off, and what came of it. A row may stand for many things that happened at once.
CREATE TABLE workflow_firings (
    id           uuid PRIMARY KEY,
    company_id   uuid,
    workflow_id  uuid NOT NULL,
    at           timestamptz NOT NULL,
    cause        text NOT NULL,
    -- Names what happened, where the same may be told several times.
    event_key    text,
    lead_id      uuid,
    inbound_id   uuid,
    -- How many workflows and triggers stand in a row up to this one, and which workflows are among them.
    depth        int NOT NULL,
    behind       uuid[] NOT NULL,
    events       int NOT NULL DEFAULT 1,
    state        text NOT NULL CHECK (state IN ('pending', 'running', 'done', 'not_started')),
    reason       text CHECK (reason IN ('disabled', 'rights_lost', 'too_deep', 'own_change', 'hourly_cap', 'once_per_lead',
                 'lead_gone')),
    -- The actions as they were when it began, and what came of each.
    actions      jsonb,
    results      jsonb NOT NULL DEFAULT '[]',
    begun_at     timestamptz,
    done_at      timestamptz,
    CONSTRAINT workflow_firings_event_key UNIQUE (company_id, workflow_id, event_key),
    CHECK ((state = 'not_started') = (reason IS NOT NULL)),
    CHECK ((state IN ('running', 'done')) = (begun_at IS NOT NULL)),
    CHECK (begun_at IS NULL OR actions IS NOT NULL)
);
SELECT tenant_table('workflow_firings');
ALTER TABLE workflow_firings
    ADD FOREIGN KEY (company_id, workflow_id) REFERENCES workflows (company_id, id) ON DELETE CASCADE,
    ADD FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE SET NULL (lead_id),
    ADD FOREIGN KEY (company_id, inbound_id) REFERENCES inbound_messages (company_id, id) ON DELETE SET NULL (inbound_id);
CREATE INDEX workflow_firings_at_idx ON workflow_firings (company_id, workflow_id, at DESC, id DESC);
CREATE INDEX workflow_firings_begun_idx ON workflow_firings (company_id, workflow_id, begun_at) WHERE begun_at IS NOT NULL;
CREATE INDEX workflow_firings_open_idx ON workflow_firings (company_id, workflow_id, at) WHERE state IN ('pending', 'running');
CREATE INDEX workflow_firings_waiting_idx ON workflow_firings (at) WHERE state IN ('pending', 'running');
CREATE INDEX workflow_firings_old_idx ON workflow_firings (at);
CREATE INDEX workflow_firings_lead_idx ON workflow_firings (company_id, lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX workflow_firings_inbound_idx ON workflow_firings (company_id, inbound_id) WHERE inbound_id IS NOT NULL;

-- For which leads a workflow has acted. It stays when what happened is told no more.
CREATE TABLE workflow_leads (
    company_id   uuid,
    workflow_id  uuid NOT NULL,
    lead_id      uuid NOT NULL,
    PRIMARY KEY (company_id, workflow_id, lead_id),
    FOREIGN KEY (company_id, workflow_id) REFERENCES workflows (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('workflow_leads');
CREATE INDEX workflow_leads_lead_idx ON workflow_leads (company_id, lead_id);

-- Calls to the webhook of the company come from steps of campaigns, or from workflows.
ALTER TABLE step_webhooks
    ALTER COLUMN enrolment_id DROP NOT NULL,
    ALTER COLUMN step_id DROP NOT NULL,
    ADD COLUMN firing_id uuid,
    ADD CONSTRAINT step_webhooks_firing_fkey
        FOREIGN KEY (company_id, firing_id) REFERENCES workflow_firings (company_id, id) ON DELETE CASCADE,
    ADD CONSTRAINT step_webhooks_source_check
        CHECK (num_nonnulls(enrolment_id, firing_id) = 1 AND num_nonnulls(enrolment_id, step_id) <> 1);
CREATE INDEX step_webhooks_firing_idx ON step_webhooks (company_id, firing_id) WHERE firing_id IS NOT NULL;

-- A run knows the workflows behind it, so that none is set off by what it has caused itself.
ALTER TABLE runs
    ADD COLUMN behind_workflows uuid[] NOT NULL DEFAULT '{}',
    DROP CONSTRAINT runs_origin_check,
    ADD CONSTRAINT runs_origin_check
        CHECK (origin IN ('person', 'key', 'schedule', 'trigger', 'agent', 'campaign', 'workflow', 'system'));

-- An entry of a timeline leads to the workflow that has made it.
ALTER TABLE lead_events
    ADD COLUMN workflow_id uuid,
    ADD CONSTRAINT lead_events_workflow_fkey
        FOREIGN KEY (company_id, workflow_id) REFERENCES workflows (company_id, id) ON DELETE SET NULL (workflow_id);
CREATE INDEX lead_events_workflow_idx ON lead_events (company_id, workflow_id) WHERE workflow_id IS NOT NULL;

GRANT SELECT, DELETE ON workflow_firings TO saleswright_platform;
CREATE POLICY across_companies ON workflow_firings TO saleswright_platform USING (true) WITH CHECK (true);

-- Workflows with something that happened and that no worker goes on with.
CREATE FUNCTION platform_waiting_workflows(now timestamptz) RETURNS TABLE (company_id uuid, workflow_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT DISTINCT f.company_id, f.workflow_id FROM workflow_firings f
    WHERE f.state IN ('pending', 'running') AND f.at < now - interval '30 seconds' LIMIT 500
$$;
SELECT platform_function('platform_waiting_workflows(timestamptz)');

-- What happened is told for three months.
CREATE FUNCTION platform_sweep_workflow_firings(now timestamptz) RETURNS void
    LANGUAGE sql VOLATILE
AS $$ DELETE FROM workflow_firings WHERE at < now - interval '90 days' AND state IN ('done', 'not_started') $$;
SELECT platform_function('platform_sweep_workflow_firings(timestamptz)');
