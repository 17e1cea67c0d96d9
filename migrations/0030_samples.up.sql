-- Samples: how a step that AI writes reads for a few real leads, before anything of it is sent. A sample is no draft:
-- no e-mail belongs to it, and nobody approves it.
CREATE TABLE draft_samples (
    company_id   uuid,
    step_id      uuid NOT NULL,
    position     int NOT NULL,
    lead_id      uuid NOT NULL,
    asked_by     text NOT NULL,
    asked_at     timestamptz NOT NULL,
    -- Whoever holds the lease writes; an older fence can deliver nothing.
    fence        bigint NOT NULL DEFAULT 0,
    lease_until  timestamptz,
    written_at   timestamptz,
    subject      text NOT NULL DEFAULT '',
    body         text NOT NULL DEFAULT '',
    checks       jsonb NOT NULL DEFAULT '[]',
    origin       jsonb,
    notice       text,
    PRIMARY KEY (company_id, step_id, position),
    FOREIGN KEY (company_id, step_id) REFERENCES campaign_steps (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('draft_samples');
CREATE INDEX draft_samples_lead_idx ON draft_samples (company_id, lead_id);
