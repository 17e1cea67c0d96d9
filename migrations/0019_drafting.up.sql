-- E-mails that are written for one lead at a time. Such an e-mail waits for a draft, the draft for somebody who
-- approves it, and what was approved is what is sent.

ALTER TABLE campaign_steps
    ADD COLUMN writing text NOT NULL DEFAULT 'template' CHECK (writing IN ('template', 'approve', 'auto')),
    -- What the writer is told. Subject and body are then the template that the built-in writer fills in.
    ADD COLUMN instructions text NOT NULL DEFAULT '' CHECK (char_length(instructions) <= 5000);

ALTER TABLE drafts
    ADD COLUMN message_id       uuid,
    -- Which try this is at the same e-mail.
    ADD COLUMN revision         int NOT NULL DEFAULT 1,
    ADD COLUMN sentences        jsonb NOT NULL DEFAULT '[]',
    -- What was known about the lead when it was written, as the writer was told.
    ADD COLUMN facts            jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN checks           jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN passes           boolean NOT NULL DEFAULT false,
    ADD COLUMN writer           text CHECK (writer IN ('model', 'built_in')),
    -- The version of the prompt; 0 is the one that comes with the product.
    ADD COLUMN prompt_version   int,
    ADD COLUMN model            text,
    ADD COLUMN tokens_in        bigint NOT NULL DEFAULT 0,
    ADD COLUMN tokens_out       bigint NOT NULL DEFAULT 0,
    -- Millionths of a US dollar.
    ADD COLUMN cost_micros      bigint NOT NULL DEFAULT 0,
    -- What the writer wrote, once a person has changed it.
    ADD COLUMN original_subject text,
    ADD COLUMN original_body    text,
    -- Why it is in the queue again, or is what it is.
    ADD COLUMN notice           text,
    -- When its facts were last held against the lead.
    ADD COLUMN checked_at       timestamptz,
    DROP CONSTRAINT drafts_state_check,
    ADD CONSTRAINT drafts_state_check
        CHECK (state IN ('open', 'used', 'dismissed', 'approved', 'rejected', 'replaced', 'withdrawn')),
    ADD FOREIGN KEY (company_id, message_id) REFERENCES messages (company_id, id) ON DELETE CASCADE;
CREATE INDEX drafts_queue_idx ON drafts (company_id, created_at, id) WHERE state = 'open' AND message_id IS NOT NULL;
CREATE UNIQUE INDEX drafts_message_key ON drafts (company_id, message_id)
    WHERE state IN ('open', 'approved', 'used') AND message_id IS NOT NULL;

-- An e-mail without its draft is planned and counted, and nobody can claim it.
ALTER TABLE messages
    ADD COLUMN waits_for_draft boolean NOT NULL DEFAULT false,
    ADD COLUMN draft_id uuid,
    ADD CONSTRAINT messages_waits_check CHECK (NOT waits_for_draft OR state IN ('scheduled', 'cancelled')),
    ADD FOREIGN KEY (company_id, draft_id) REFERENCES drafts (company_id, id) ON DELETE SET NULL (draft_id);
DROP INDEX messages_due_idx;
CREATE INDEX messages_due_idx ON messages (company_id, mailbox_id, campaign_id, due_at)
    WHERE state IN ('scheduled', 'deferred') AND NOT waits_for_draft;
CREATE INDEX messages_waiting_idx ON messages (company_id, campaign_id, due_at)
    WHERE state = 'scheduled' AND waits_for_draft;

-- Drafts that are to be written. Whoever holds the lease writes; an older fence can deliver nothing.
CREATE TABLE draft_orders (
    company_id   uuid,
    message_id   uuid NOT NULL,
    write_at     timestamptz NOT NULL,
    -- What was wrong with the draft before.
    reason       text,
    fence        bigint NOT NULL DEFAULT 0,
    lease_until  timestamptz,
    PRIMARY KEY (company_id, message_id),
    FOREIGN KEY (company_id, message_id) REFERENCES messages (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('draft_orders');
CREATE INDEX draft_orders_write_idx ON draft_orders (write_at);
CREATE INDEX draft_orders_lease_idx ON draft_orders (company_id, lease_until) WHERE lease_until IS NOT NULL;

-- What writers are told besides the step, in versions of which none is ever changed.
CREATE TABLE prompt_templates (
    company_id  uuid,
    name        text NOT NULL,
    version     int NOT NULL CHECK (version > 0),
    text        text NOT NULL CHECK (char_length(text) BETWEEN 1 AND 10000),
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (company_id, name, version)
);
SELECT tenant_table('prompt_templates');

-- Words that no e-mail of the company may hold.
CREATE TABLE writing_rules (
    company_id       uuid PRIMARY KEY,
    forbidden_terms  text[] NOT NULL DEFAULT '{}'
);
SELECT tenant_table('writing_rules');

ALTER TABLE enrolments
    DROP CONSTRAINT enrolments_end_reason_check,
    ADD CONSTRAINT enrolments_end_reason_check
        CHECK (end_reason IN ('campaign_stopped', 'removed', 'lead_deleted', 'no_address', 'on_suppression_list',
                              'missing_variable', 'hard_bounce', 'soft_exhausted', 'rejected', 'outcome_unknown',
                              'draft_rejected'));

-- Companies whose drafts wait although nobody writes.
CREATE FUNCTION platform_waiting_drafts(now timestamptz) RETURNS TABLE (company_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT DISTINCT o.company_id FROM draft_orders o
    JOIN messages m ON m.company_id = o.company_id AND m.id = o.message_id
    JOIN campaigns c ON c.company_id = m.company_id AND c.id = m.campaign_id AND c.state = 'running'
    WHERE o.write_at <= now AND (o.lease_until IS NULL OR o.lease_until < now)
    LIMIT 500
$$;
GRANT SELECT ON draft_orders TO saleswright_platform;
CREATE POLICY across_companies ON draft_orders TO saleswright_platform USING (true) WITH CHECK (true);
SELECT platform_function('platform_waiting_drafts(timestamptz)');

-- Why a running campaign sends nothing at the moment; absent when it sends, or when nothing is due.
CREATE OR REPLACE FUNCTION campaign_hold(campaign uuid, now timestamptz) RETURNS text
    LANGUAGE sql STABLE
AS $$
    WITH box AS (
        SELECT m.id, m.state = 'connected' AS connected, mailbox_used(m.id, now) >= m.daily_cap AS full_up,
               EXISTS (SELECT FROM messages g WHERE g.company_id = m.company_id AND g.mailbox_id = m.id
                         AND g.campaign_id = campaign AND g.state IN ('scheduled', 'deferred')
                         AND NOT g.waits_for_draft AND g.due_at <= now) AS due
        FROM campaign_mailboxes cm JOIN mailboxes m ON m.id = cm.mailbox_id
        WHERE cm.campaign_id = campaign
    )
    SELECT CASE
        WHEN NOT EXISTS (SELECT FROM box WHERE connected) THEN 'no_healthy_mailbox'
        WHEN EXISTS (SELECT FROM box WHERE due AND connected AND NOT full_up) THEN NULL
        WHEN EXISTS (SELECT FROM box WHERE due AND connected) THEN 'daily_cap'
        WHEN EXISTS (SELECT FROM box WHERE due) THEN 'no_healthy_mailbox'
        WHEN EXISTS (SELECT FROM messages g WHERE g.company_id = (SELECT current_company())
                       AND g.campaign_id = campaign AND g.state = 'scheduled' AND g.waits_for_draft
                       AND g.due_at <= now) THEN 'approval_backlog'
        WHEN EXISTS (SELECT FROM enrolments e WHERE e.company_id = (SELECT current_company())
                       AND e.campaign_id = campaign AND e.state = 'waiting_window') THEN 'outside_window'
    END
$$;
