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
DROP FUNCTION mailbox_health(uuid, timestamptz, bigint, bigint);
DROP FUNCTION mailbox_cap(int, timestamptz, timestamptz);
CREATE OR REPLACE FUNCTION mailbox_used(mailbox uuid, now timestamptz) RETURNS bigint
    LANGUAGE sql STABLE
AS $$
    SELECT (SELECT count(*) FROM messages
            WHERE company_id = (SELECT current_company()) AND mailbox_id = mailbox
              AND sending_at > now - interval '24 hours')
         + (SELECT count(*) FROM messages
            WHERE company_id = (SELECT current_company()) AND mailbox_id = mailbox
              AND state = 'claimed' AND lease_until > now)
$$;
DROP INDEX test_mails_sending_at_idx;
ALTER TABLE test_mails DROP COLUMN sending_at, DROP COLUMN mailbox_id;
ALTER TABLE messages DROP COLUMN came_back;
ALTER TABLE mailboxes
    DROP COLUMN healthy_from,
    DROP COLUMN pause_reason,
    DROP COLUMN paused_by,
    DROP COLUMN ramp_from,
    DROP COLUMN gap_max_seconds;
