-- Why a running campaign sends nothing at the moment; absent when it sends, or when nothing is due.
CREATE OR REPLACE FUNCTION campaign_hold(campaign uuid, now timestamptz) RETURNS text
    LANGUAGE sql STABLE
AS $$
    WITH box AS (
        SELECT m.id, m.state = 'connected' AS connected,
               mailbox_used(m.id, now) >= mailbox_cap(m.daily_cap, m.ramp_from, now) AS full_up,
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
        WHEN (SELECT g.waits_until = g.due_at FROM messages g WHERE g.company_id = (SELECT current_company())
                AND g.campaign_id = campaign AND g.state = 'scheduled'
              ORDER BY g.due_at, g.waits_until LIMIT 1) THEN 'recipient_limit'
        WHEN EXISTS (SELECT FROM enrolments e WHERE e.company_id = (SELECT current_company())
                       AND e.campaign_id = campaign AND e.state = 'waiting_window') THEN 'outside_window'
    END
$$;
DROP FUNCTION mailbox_failing(uuid);
ALTER TABLE sending_domains DROP COLUMN failing;
