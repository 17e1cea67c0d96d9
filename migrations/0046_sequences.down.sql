-- Only e-mails of the version that new leads get can go back; other kinds of steps and older versions are lost.
CREATE TABLE campaign_steps (
    id            uuid PRIMARY KEY,
    company_id    uuid,
    campaign_id   uuid NOT NULL,
    position      int NOT NULL,
    delay_amount  int NOT NULL CHECK (delay_amount BETWEEN 0 AND 365),
    delay_unit    text NOT NULL CHECK (delay_unit IN ('minutes', 'hours', 'days', 'working_days')),
    subject       text NOT NULL,
    body          text NOT NULL,
    version       bigint NOT NULL DEFAULT 1,
    writing       text NOT NULL DEFAULT 'template' CHECK (writing IN ('template', 'approve', 'auto')),
    instructions  text NOT NULL DEFAULT '' CHECK (char_length(instructions) <= 5000),
    sources       text[] NOT NULL DEFAULT '{}' CHECK (cardinality(sources) <= 10),
    CONSTRAINT campaign_steps_position_key UNIQUE (company_id, campaign_id, position) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('campaign_steps');

ALTER TABLE campaign_steps NO FORCE ROW LEVEL SECURITY;
ALTER TABLE campaign_versions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE campaigns NO FORCE ROW LEVEL SECURITY;
INSERT INTO campaign_steps (id, company_id, campaign_id, position, delay_amount, delay_unit, subject, body, version,
                            writing, instructions, sources)
SELECT (s.step ->> 'id')::uuid, v.company_id, v.campaign_id,
       row_number() OVER (PARTITION BY v.company_id, v.campaign_id ORDER BY s.place),
       (s.step #>> '{delay,amount}')::int, s.step #>> '{delay,unit}', s.step ->> 'subject', s.step ->> 'body',
       (s.step ->> 'version')::bigint, s.step ->> 'writing', s.step ->> 'instructions',
       ARRAY(SELECT jsonb_array_elements_text(s.step -> 'sources'))
FROM campaigns c
JOIN campaign_versions v ON v.company_id = c.company_id AND v.campaign_id = c.id AND v.number = c.version_number
CROSS JOIN LATERAL jsonb_array_elements(v.steps) WITH ORDINALITY AS s (step, place)
WHERE s.step ->> 'kind' = 'email';
ALTER TABLE campaign_steps FORCE ROW LEVEL SECURITY;

CREATE OR REPLACE FUNCTION platform_waiting_campaigns(now timestamptz) RETURNS TABLE (company_id uuid, campaign_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT c.company_id, c.id FROM campaigns c
    WHERE (c.state = 'scheduled' AND c.starts_at <= now)
       OR c.state IN ('pausing', 'stopping')
       OR c.state = 'running' AND (
              EXISTS (SELECT FROM campaign_audience a WHERE a.company_id = c.company_id AND a.campaign_id = c.id)
              OR EXISTS (SELECT FROM messages m WHERE m.company_id = c.company_id AND m.campaign_id = c.id
                           AND m.plan_shift < c.plan_shift AND m.state IN ('scheduled', 'deferred'))
              OR NOT EXISTS (SELECT FROM enrolments e WHERE e.company_id = c.company_id AND e.campaign_id = c.id
                               AND e.state IN ('active', 'waiting_delay', 'waiting_window')))
$$;
SELECT platform_function('platform_waiting_campaigns(timestamptz)');

ALTER TABLE runs NO FORCE ROW LEVEL SECURITY;
UPDATE runs SET origin = 'system' WHERE origin = 'campaign';
ALTER TABLE runs FORCE ROW LEVEL SECURITY;
ALTER TABLE runs
    DROP CONSTRAINT runs_origin_check,
    ADD CONSTRAINT runs_origin_check CHECK (origin IN ('person', 'key', 'schedule', 'trigger', 'agent', 'system'));

DROP TABLE step_webhooks;
ALTER TABLE companies DROP COLUMN asks_for_basis;
DROP TABLE variant_winners;

-- E-mails of steps that cannot go back are of no step any more.
ALTER TABLE test_mails NO FORCE ROW LEVEL SECURITY;
ALTER TABLE draft_samples NO FORCE ROW LEVEL SECURITY;
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE enrolments NO FORCE ROW LEVEL SECURITY;
DELETE FROM test_mails t WHERE NOT EXISTS (SELECT FROM campaign_steps s WHERE s.company_id = t.company_id AND s.id = t.step_id);
DELETE FROM draft_samples t WHERE NOT EXISTS (SELECT FROM campaign_steps s WHERE s.company_id = t.company_id AND s.id = t.step_id);
DELETE FROM messages t WHERE NOT EXISTS (SELECT FROM campaign_steps s WHERE s.company_id = t.company_id AND s.id = t.step_id);
UPDATE messages SET state = 'cancelled' WHERE state = 'held';
UPDATE enrolments SET state = 'stopped', end_reason = 'removed'
WHERE state IN ('waiting_task', 'waiting_event', 'paused')
   OR end_reason IN ('active_elsewhere', 'contacted_recently', 'account_replied', 'unverified_address', 'no_lawful_basis',
                     'held_out');
ALTER TABLE test_mails FORCE ROW LEVEL SECURITY;
ALTER TABLE draft_samples FORCE ROW LEVEL SECURITY;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
ALTER TABLE enrolments FORCE ROW LEVEL SECURITY;
ALTER TABLE campaigns FORCE ROW LEVEL SECURITY;
DROP TABLE campaign_versions;

ALTER TABLE test_mails ADD FOREIGN KEY (company_id, step_id) REFERENCES campaign_steps (company_id, id) ON DELETE CASCADE;
ALTER TABLE draft_samples
    DROP COLUMN campaign_id,
    ADD FOREIGN KEY (company_id, step_id) REFERENCES campaign_steps (company_id, id) ON DELETE CASCADE;
DROP INDEX messages_step_idx, messages_enrolment_idx;
ALTER TABLE messages
    DROP COLUMN variant, DROP COLUMN needs_draft, DROP COLUMN opened_at, DROP COLUMN clicked_at, DROP COLUMN replied_at,
    DROP CONSTRAINT messages_state_check,
    ADD CONSTRAINT messages_state_check
        CHECK (state IN ('scheduled', 'claimed', 'sending', 'sent', 'deferred', 'failed', 'unknown', 'cancelled')),
    DROP CONSTRAINT messages_waits_check,
    ADD CONSTRAINT messages_waits_check CHECK (NOT waits_for_draft OR state IN ('scheduled', 'cancelled')),
    ADD FOREIGN KEY (company_id, step_id) REFERENCES campaign_steps (company_id, id);

DROP INDEX enrolments_open_idx, enrolments_due_idx, enrolments_version_idx, enrolments_event_idx, enrolments_waits_on_idx;
ALTER TABLE enrolments
    DROP COLUMN is_open, DROP COLUMN version_number, DROP COLUMN step_id, DROP COLUMN step_begun, DROP COLUMN due_at, DROP COLUMN wait_until,
    DROP COLUMN plan_shift, DROP COLUMN waits_on, DROP COLUMN pause_reason,
    DROP CONSTRAINT enrolments_state_check,
    ADD CONSTRAINT enrolments_state_check
        CHECK (state IN ('active', 'waiting_delay', 'waiting_window', 'finished', 'replied', 'bounced', 'unsubscribed',
                         'suppressed', 'stopped', 'failed', 'skipped')),
    DROP CONSTRAINT enrolments_end_reason_check,
    ADD CONSTRAINT enrolments_end_reason_check
        CHECK (end_reason IN ('campaign_stopped', 'removed', 'lead_deleted', 'no_address', 'on_suppression_list',
                              'missing_variable', 'hard_bounce', 'soft_exhausted', 'rejected', 'outcome_unknown',
                              'draft_rejected'));
CREATE INDEX enrolments_open_idx ON enrolments (company_id, campaign_id)
    WHERE state IN ('active', 'waiting_delay', 'waiting_window');
ALTER TABLE campaigns DROP COLUMN version_number, DROP COLUMN move_to_version, DROP COLUMN rules, DROP COLUMN advanced_at,
    DROP COLUMN rights_person, DROP COLUMN rights_key;
