CREATE OR REPLACE FUNCTION is_suppressed(address text) RETURNS boolean
    LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM suppressions
        WHERE company_id = (SELECT current_company())
          AND target IN (address, split_part(address, '@', 2))
    )
$$;
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
DROP INDEX messages_claimed_idx;
DROP INDEX messages_came_back_idx;
CREATE FUNCTION platform_claim_mailbox(now timestamptz) RETURNS TABLE (company_id uuid, mailbox_id uuid)
    LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    found_company uuid;
    found_mailbox uuid;
BEGIN
    SELECT m.company_id, m.id INTO found_company, found_mailbox
    FROM mailboxes m
    WHERE m.state = 'connected' AND m.reply_at <= now
    ORDER BY m.reply_at, m.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        SELECT m.company_id, m.id INTO found_company, found_mailbox
        FROM mailboxes m
        WHERE m.state = 'connected' AND m.next_send_at <= now
        ORDER BY (SELECT max(o.last_turn_at) FROM mailboxes o WHERE o.company_id = m.company_id), m.last_turn_at, m.id
        LIMIT 1
        FOR UPDATE SKIP LOCKED;
    END IF;
    IF found_mailbox IS NULL THEN
        RETURN;
    END IF;
    UPDATE mailboxes m SET last_turn_at = now WHERE m.id = found_mailbox;
    RETURN QUERY SELECT found_company, found_mailbox;
END
$$;
SELECT platform_function('platform_claim_mailbox(timestamptz)');
