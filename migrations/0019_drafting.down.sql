CREATE OR REPLACE FUNCTION campaign_hold(campaign uuid, now timestamptz) RETURNS text
    LANGUAGE sql STABLE
AS $$
    WITH box AS (
        SELECT m.id, m.state = 'connected' AS connected, mailbox_used(m.id, now) >= m.daily_cap AS full_up,
               EXISTS (SELECT FROM messages g WHERE g.company_id = m.company_id AND g.mailbox_id = m.id
                         AND g.campaign_id = campaign AND g.state IN ('scheduled', 'deferred') AND g.due_at <= now) AS due
        FROM campaign_mailboxes cm JOIN mailboxes m ON m.id = cm.mailbox_id
        WHERE cm.campaign_id = campaign
    )
    SELECT CASE
        WHEN NOT EXISTS (SELECT FROM box WHERE connected) THEN 'no_healthy_mailbox'
        WHEN EXISTS (SELECT FROM box WHERE due AND connected AND NOT full_up) THEN NULL
        WHEN EXISTS (SELECT FROM box WHERE due AND connected) THEN 'daily_cap'
        WHEN EXISTS (SELECT FROM box WHERE due) THEN 'no_healthy_mailbox'
        WHEN EXISTS (SELECT FROM enrolments e WHERE e.company_id = (SELECT current_company())
                       AND e.campaign_id = campaign AND e.state = 'waiting_window') THEN 'outside_window'
    END
$$;
DROP FUNCTION platform_waiting_drafts(timestamptz);
-- Rows of every company are changed, which the forced policies forbid even the owner.
ALTER TABLE enrolments NO FORCE ROW LEVEL SECURITY;
ALTER TABLE drafts NO FORCE ROW LEVEL SECURITY;
UPDATE enrolments SET end_reason = 'removed' WHERE end_reason = 'draft_rejected';
ALTER TABLE enrolments
    DROP CONSTRAINT enrolments_end_reason_check,
    ADD CONSTRAINT enrolments_end_reason_check
        CHECK (end_reason IN ('campaign_stopped', 'removed', 'lead_deleted', 'no_address', 'on_suppression_list',
                              'missing_variable', 'hard_bounce', 'soft_exhausted', 'rejected', 'outcome_unknown'));
DROP TABLE writing_rules;
DROP TABLE prompt_templates;
DROP TABLE draft_orders;
DROP INDEX messages_waiting_idx;
DROP INDEX messages_due_idx;
ALTER TABLE messages DROP COLUMN draft_id, DROP COLUMN waits_for_draft;
CREATE INDEX messages_due_idx ON messages (company_id, mailbox_id, campaign_id, due_at) WHERE state IN ('scheduled', 'deferred');
DROP INDEX drafts_message_key;
DROP INDEX drafts_queue_idx;
DELETE FROM drafts WHERE message_id IS NOT NULL;
ALTER TABLE enrolments FORCE ROW LEVEL SECURITY;
ALTER TABLE drafts FORCE ROW LEVEL SECURITY;
ALTER TABLE drafts
    DROP COLUMN message_id, DROP COLUMN revision, DROP COLUMN sentences, DROP COLUMN facts, DROP COLUMN checks,
    DROP COLUMN passes, DROP COLUMN writer, DROP COLUMN prompt_version, DROP COLUMN model, DROP COLUMN tokens_in,
    DROP COLUMN tokens_out, DROP COLUMN cost_micros, DROP COLUMN original_subject, DROP COLUMN original_body,
    DROP COLUMN notice, DROP COLUMN checked_at,
    DROP CONSTRAINT drafts_state_check,
    ADD CONSTRAINT drafts_state_check CHECK (state IN ('open', 'used', 'dismissed'));
ALTER TABLE campaign_steps DROP COLUMN instructions, DROP COLUMN writing;
