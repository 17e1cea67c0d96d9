-- A mailbox whose domain fails its check writes to nobody, also to those it has begun to write to: receivers would refuse
-- the e-mail and hold it against the sender. Its leads wait until the domain passes.

-- What the last check that could be made has found failing, as `domain::domains::failing` says; a column beside what it
-- found, because each claim asks for it.
ALTER TABLE sending_domains ADD COLUMN failing text[] NOT NULL DEFAULT '{}';
ALTER TABLE sending_domains NO FORCE ROW LEVEL SECURITY;
UPDATE sending_domains d SET failing = (
    SELECT coalesce(array_agg(n.kind ORDER BY n.place), '{}')
    FROM unnest(ARRAY['spf', 'dkim', 'dmarc', 'mx']) WITH ORDINALITY AS n (kind, place)
    WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(d.records) AS r (record)
                      WHERE r.record ->> 'kind' = n.kind AND r.record ->> 'standing' <> 'fail'))
WHERE d.checked_at IS NOT NULL;
ALTER TABLE sending_domains FORCE ROW LEVEL SECURITY;

-- The records of its domain for which receivers would not believe a mailbox; nothing when they do, or when nobody has
-- looked yet. One place, asked by claims, by what is said of them, and by whoever gives leads to mailboxes.
CREATE FUNCTION mailbox_failing(mailbox uuid) RETURNS text[]
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT d.failing FROM mailboxes m
            JOIN sending_domains d ON d.company_id = m.company_id AND d.name = split_part(m.address, '@', 2)
            WHERE m.company_id = (SELECT current_company()) AND m.id = mailbox AND m.kind = 'smtp' AND d.failing <> '{}');
END
$$;

-- Why a running campaign sends nothing at the moment; absent when it sends, or when nothing is due.
CREATE OR REPLACE FUNCTION campaign_hold(campaign uuid, now timestamptz) RETURNS text
    LANGUAGE sql STABLE
AS $$
    WITH box AS (
        SELECT m.id, m.state = 'connected' AS connected, mailbox_failing(m.id) IS NULL AS believed,
               mailbox_used(m.id, now) >= mailbox_cap(m.daily_cap, m.ramp_from, now) AS full_up,
               EXISTS (SELECT FROM messages g WHERE g.company_id = m.company_id AND g.mailbox_id = m.id
                         AND g.campaign_id = campaign AND g.state IN ('scheduled', 'deferred')
                         AND NOT g.waits_for_draft AND g.due_at <= now) AS due
        FROM campaign_mailboxes cm JOIN mailboxes m ON m.id = cm.mailbox_id
        WHERE cm.campaign_id = campaign
    )
    SELECT CASE
        WHEN NOT EXISTS (SELECT FROM box WHERE connected) THEN 'no_healthy_mailbox'
        WHEN EXISTS (SELECT FROM box WHERE due AND connected AND believed AND NOT full_up) THEN NULL
        WHEN EXISTS (SELECT FROM box WHERE due AND connected AND believed) THEN 'daily_cap'
        WHEN EXISTS (SELECT FROM box WHERE due AND connected) THEN 'domain_auth_failed'
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
