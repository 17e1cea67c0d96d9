-- Sequences: the steps of a campaign are one document in versions, so that leads who are in the middle of one keep
-- it while it is changed for others, and steps can be more than e-mails.

CREATE TABLE campaign_versions (
    company_id    uuid,
    campaign_id   uuid NOT NULL,
    number        int NOT NULL CHECK (number > 0),
    -- What `domain::steps::Sequence` says; ids of steps are the same in every version.
    steps         jsonb NOT NULL,
    created_by    text NOT NULL,
    created_at    timestamptz NOT NULL,
    -- Absent while it is being edited.
    published_at  timestamptz,
    PRIMARY KEY (company_id, campaign_id, number),
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('campaign_versions');

ALTER TABLE campaigns
    -- The version that new leads get, and the one that leads who are in another one are being moved to.
    ADD COLUMN version_number int NOT NULL DEFAULT 1,
    ADD COLUMN move_to_version int,
    -- What `domain::campaigns::Rules` says.
    ADD COLUMN rules jsonb NOT NULL DEFAULT '{}',
    -- When a worker last looked after it: how long a break was is known by this.
    ADD COLUMN advanced_at timestamptz,
    -- With whose rights its agents work: of whoever has started it or published its steps.
    ADD COLUMN rights_person uuid REFERENCES users (id) ON DELETE SET NULL,
    ADD COLUMN rights_key uuid;

-- The owner is bound by row-level security like everybody, and has no company.
ALTER TABLE campaigns NO FORCE ROW LEVEL SECURITY;
ALTER TABLE campaign_steps NO FORCE ROW LEVEL SECURITY;
ALTER TABLE campaign_versions NO FORCE ROW LEVEL SECURITY;
INSERT INTO campaign_versions (company_id, campaign_id, number, steps, created_by, created_at, published_at)
SELECT c.company_id, c.id, 1,
       coalesce((SELECT jsonb_agg(jsonb_build_object(
                     'id', s.id, 'position', s.position, 'branch', NULL,
                     'delay', jsonb_build_object('amount', s.delay_amount, 'unit', s.delay_unit),
                     'version', s.version, 'kind', 'email', 'subject', s.subject, 'body', s.body,
                     'writing', s.writing, 'instructions', s.instructions, 'sources', to_jsonb(s.sources),
                     'thread', 'new', 'window', NULL, 'variants', '[]'::jsonb,
                     'winner', '{"by": "nobody", "min_sends": 100, "confidence": 95}'::jsonb) ORDER BY s.position)
                 FROM campaign_steps s WHERE s.company_id = c.company_id AND s.campaign_id = c.id), '[]'),
       'system', c.created_at, c.started_at
FROM campaigns c;
ALTER TABLE campaign_versions FORCE ROW LEVEL SECURITY;

-- What an enrolment does next. Due times of e-mails are those of the message.
ALTER TABLE enrolments
    ADD COLUMN version_number int NOT NULL DEFAULT 1,
    ADD COLUMN step_id uuid,
    -- Whether the step has begun, as a task that was given.
    ADD COLUMN step_begun boolean NOT NULL DEFAULT false,
    ADD COLUMN due_at timestamptz,
    -- Until when it waits for something to happen.
    ADD COLUMN wait_until timestamptz,
    ADD COLUMN plan_shift bigint NOT NULL DEFAULT 0,
    -- The task or the run that it waits for.
    ADD COLUMN waits_on uuid,
    ADD COLUMN pause_reason text,
    DROP CONSTRAINT enrolments_state_check,
    ADD CONSTRAINT enrolments_state_check
        CHECK (state IN ('active', 'waiting_delay', 'waiting_window', 'waiting_task', 'waiting_event', 'paused',
                         'finished', 'replied', 'bounced', 'unsubscribed', 'suppressed', 'stopped', 'failed', 'skipped')),
    DROP CONSTRAINT enrolments_end_reason_check,
    ADD CONSTRAINT enrolments_end_reason_check
        CHECK (end_reason IN ('campaign_stopped', 'removed', 'lead_deleted', 'no_address', 'on_suppression_list',
                              'missing_variable', 'hard_bounce', 'soft_exhausted', 'rejected', 'outcome_unknown',
                              'draft_rejected', 'active_elsewhere', 'contacted_recently', 'account_replied',
                              'unverified_address', 'no_lawful_basis', 'held_out')),
    -- `EnrolmentState::OPEN`, said once for every query.
    ADD COLUMN is_open boolean NOT NULL GENERATED ALWAYS AS
        (state IN ('active', 'waiting_delay', 'waiting_window', 'waiting_task', 'waiting_event', 'paused')) STORED;
DROP INDEX enrolments_open_idx;
CREATE INDEX enrolments_open_idx ON enrolments (company_id, campaign_id) WHERE is_open;
-- Steps that are no e-mails and are due.
CREATE INDEX enrolments_due_idx ON enrolments (company_id, campaign_id, due_at) WHERE is_open AND due_at IS NOT NULL;
CREATE INDEX enrolments_version_idx ON enrolments (company_id, campaign_id, version_number) WHERE is_open;
CREATE INDEX enrolments_event_idx ON enrolments (company_id, lead_id) WHERE state = 'waiting_event';
CREATE INDEX enrolments_waits_on_idx ON enrolments (company_id, waits_on) WHERE waits_on IS NOT NULL;

ALTER TABLE messages
    DROP CONSTRAINT messages_company_id_step_id_fkey,
    -- Which wording: 0 is A.
    ADD COLUMN variant smallint NOT NULL DEFAULT 0,
    ADD COLUMN needs_draft boolean NOT NULL DEFAULT false,
    -- The first time that a person, and no program, has opened it or one of its links, and has answered it.
    ADD COLUMN opened_at timestamptz,
    ADD COLUMN clicked_at timestamptz,
    ADD COLUMN replied_at timestamptz,
    DROP CONSTRAINT messages_state_check,
    ADD CONSTRAINT messages_state_check
        CHECK (state IN ('scheduled', 'claimed', 'sending', 'sent', 'deferred', 'held', 'failed', 'unknown', 'cancelled')),
    DROP CONSTRAINT messages_waits_check,
    ADD CONSTRAINT messages_waits_check CHECK (NOT waits_for_draft OR state IN ('scheduled', 'held', 'cancelled'));
CREATE INDEX messages_step_idx ON messages (company_id, campaign_id, step_id, variant) WHERE state = 'sent';
-- The e-mail before, which an answer in the thread names.
CREATE INDEX messages_enrolment_idx ON messages (company_id, enrolment_id, created_at);

ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE enrolments NO FORCE ROW LEVEL SECURITY;
UPDATE messages m SET needs_draft = true FROM campaign_steps s
WHERE s.company_id = m.company_id AND s.id = m.step_id AND s.writing <> 'template';
UPDATE enrolments e SET step_id = m.step_id FROM messages m
WHERE m.company_id = e.company_id AND m.enrolment_id = e.id AND e.is_open
  AND m.state IN ('scheduled', 'claimed', 'sending', 'deferred');
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
ALTER TABLE enrolments FORCE ROW LEVEL SECURITY;
ALTER TABLE campaigns FORCE ROW LEVEL SECURITY;

ALTER TABLE test_mails DROP CONSTRAINT test_mails_company_id_step_id_fkey;
ALTER TABLE draft_samples
    DROP CONSTRAINT draft_samples_company_id_step_id_fkey,
    ADD COLUMN campaign_id uuid;
ALTER TABLE draft_samples NO FORCE ROW LEVEL SECURITY;
UPDATE draft_samples d SET campaign_id = s.campaign_id FROM campaign_steps s
WHERE s.company_id = d.company_id AND s.id = d.step_id;
ALTER TABLE draft_samples FORCE ROW LEVEL SECURITY;
ALTER TABLE draft_samples
    ALTER COLUMN campaign_id SET NOT NULL,
    ADD FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE;
CREATE INDEX draft_samples_campaign_idx ON draft_samples (company_id, campaign_id);
DROP TABLE campaign_steps;

-- The variant that gets all the rest, once one has won.
CREATE TABLE variant_winners (
    company_id   uuid,
    campaign_id  uuid NOT NULL,
    step_id      uuid NOT NULL,
    variant      smallint NOT NULL,
    -- In words, with the numbers of then.
    why          text NOT NULL,
    decided_at   timestamptz NOT NULL,
    PRIMARY KEY (company_id, campaign_id, step_id),
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('variant_winners');

-- Whoever has no recorded basis for being written to is in no campaign of a company that asks for one (GDPR, 6).
ALTER TABLE companies ADD COLUMN asks_for_basis boolean NOT NULL DEFAULT false;

-- Calls to other systems that a sequence makes; a job delivers each.
CREATE TABLE step_webhooks (
    id            uuid PRIMARY KEY,
    company_id    uuid,
    enrolment_id  uuid NOT NULL,
    step_id       uuid NOT NULL,
    body          jsonb NOT NULL,
    attempts      int NOT NULL DEFAULT 0,
    delivered_at  timestamptz,
    failed_at     timestamptz,
    detail        text,
    created_at    timestamptz NOT NULL,
    FOREIGN KEY (company_id, enrolment_id) REFERENCES enrolments (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('step_webhooks');
CREATE INDEX step_webhooks_enrolment_idx ON step_webhooks (company_id, enrolment_id);

-- Runs that a step has started.
ALTER TABLE runs
    DROP CONSTRAINT runs_origin_check,
    ADD CONSTRAINT runs_origin_check
        CHECK (origin IN ('person', 'key', 'schedule', 'trigger', 'agent', 'campaign', 'system'));

-- Campaigns that have something to do besides sending; each running one is looked after every minute.
CREATE OR REPLACE FUNCTION platform_waiting_campaigns(now timestamptz) RETURNS TABLE (company_id uuid, campaign_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT c.company_id, c.id FROM campaigns c
    WHERE (c.state = 'scheduled' AND c.starts_at <= now)
       OR c.state IN ('pausing', 'stopping')
       OR c.state = 'running' AND (
              c.advanced_at IS NULL OR c.advanced_at <= now - interval '1 minute'
              OR c.move_to_version IS NOT NULL
              OR EXISTS (SELECT FROM campaign_audience a WHERE a.company_id = c.company_id AND a.campaign_id = c.id)
              OR EXISTS (SELECT FROM messages m WHERE m.company_id = c.company_id AND m.campaign_id = c.id
                           AND m.plan_shift < c.plan_shift AND m.state IN ('scheduled', 'deferred'))
              OR EXISTS (SELECT FROM enrolments e WHERE e.company_id = c.company_id AND e.campaign_id = c.id
                           AND e.is_open AND e.due_at <= now)
              OR NOT EXISTS (SELECT FROM enrolments e WHERE e.company_id = c.company_id AND e.campaign_id = c.id
                               AND e.is_open))
$$;
SELECT platform_function('platform_waiting_campaigns(timestamptz)');
