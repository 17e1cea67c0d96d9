-- How much a mailbox may send, and whether it may go on: a ramp, a random gap, everything that leaves by it counted,
-- and what came back of it.
ALTER TABLE mailboxes
    -- The gap after an e-mail is drawn between `gap_seconds` and this.
    ADD COLUMN gap_max_seconds int,
    -- The day from which the cap grows; absent when it does not.
    ADD COLUMN ramp_from timestamptz,
    -- Who paused it, and why; what came back before `healthy_from` was seen by a person.
    ADD COLUMN paused_by text CHECK (paused_by IN ('person', 'system')),
    ADD COLUMN pause_reason text,
    ADD COLUMN healthy_from timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE mailboxes NO FORCE ROW LEVEL SECURITY;
UPDATE mailboxes SET gap_max_seconds = greatest(gap_seconds, CASE WHEN kind = 'smtp' AND gap_seconds > 0 THEN 300 ELSE 0 END),
    -- What there is has long been sending; only what was connected lately still grows.
    ramp_from = CASE WHEN kind = 'smtp' THEN created_at END,
    paused_by = CASE WHEN state = 'paused' THEN 'person' END;
ALTER TABLE mailboxes FORCE ROW LEVEL SECURITY;
ALTER TABLE mailboxes
    ALTER COLUMN gap_max_seconds SET NOT NULL,
    ADD CHECK (gap_max_seconds BETWEEN gap_seconds AND 86400),
    ADD CHECK ((state = 'paused') = (paused_by IS NOT NULL));

-- An e-mail that came back, or that its recipient complained about.
ALTER TABLE messages ADD COLUMN came_back text CHECK (came_back IN ('bounced', 'complained'));

-- Test mails leave by a mailbox, too.
ALTER TABLE test_mails
    ADD COLUMN mailbox_id uuid,
    ADD COLUMN sending_at timestamptz,
    ADD FOREIGN KEY (company_id, mailbox_id) REFERENCES mailboxes (company_id, id) ON DELETE SET NULL (mailbox_id);
CREATE INDEX test_mails_sending_at_idx ON test_mails (company_id, mailbox_id, sending_at) WHERE sending_at IS NOT NULL;

-- E-mails of a mailbox that count towards its cap: handed over in the last 24 hours, or about to be.
CREATE OR REPLACE FUNCTION mailbox_used(mailbox uuid, now timestamptz) RETURNS bigint
    LANGUAGE sql STABLE
AS $$
    SELECT (SELECT count(*) FROM messages
            WHERE company_id = (SELECT current_company()) AND mailbox_id = mailbox
              AND sending_at > now - interval '24 hours')
         + (SELECT count(*) FROM messages
            WHERE company_id = (SELECT current_company()) AND mailbox_id = mailbox
              AND state = 'claimed' AND lease_until > now)
         + (SELECT count(*) FROM test_mails
            WHERE company_id = (SELECT current_company()) AND mailbox_id = mailbox
              AND sending_at > now - interval '24 hours')
$$;

-- The most e-mails in 24 hours at this time: 20 on the day that a mailbox is connected, two more each day.
CREATE FUNCTION mailbox_cap(daily_cap int, ramp_from timestamptz, now timestamptz) RETURNS int
    LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN ramp_from IS NULL THEN daily_cap
                ELSE least(daily_cap, 20 + 2 * least(100000, floor(extract(epoch FROM greatest(now - ramp_from, interval '0')) / 86400))::int)
           END
$$;

-- What came back of the newest e-mails of a mailbox.
CREATE FUNCTION mailbox_health(mailbox uuid, since timestamptz, bounce_window bigint, complaint_window bigint)
    RETURNS TABLE (sent bigint, bounced bigint, complained bigint)
    LANGUAGE sql STABLE
AS $$
    SELECT count(*) FILTER (WHERE place <= bounce_window),
           count(*) FILTER (WHERE place <= bounce_window AND came_back = 'bounced'),
           count(*) FILTER (WHERE came_back = 'complained')
    FROM (SELECT came_back, row_number() OVER (ORDER BY sending_at DESC) AS place FROM messages
          WHERE company_id = (SELECT current_company()) AND mailbox_id = mailbox
            AND sending_at > since AND state IN ('sent', 'failed', 'unknown')
          ORDER BY sending_at DESC LIMIT complaint_window) newest
$$;

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
        WHEN EXISTS (SELECT FROM enrolments e WHERE e.company_id = (SELECT current_company())
                       AND e.campaign_id = campaign AND e.state = 'waiting_window') THEN 'outside_window'
    END
$$;
