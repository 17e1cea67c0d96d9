-- A mail server that says nothing holds whoever talks to it for minutes, as RFC 5321, 4.5.3.2, asks. A worker therefore
-- gives one company some of its lanes only, and passes over the others of that company while these are taken.

-- The mailbox whose turn it is, of a company that is not passed over; the order is that of the function with one
-- argument, which workers of the version before still call.
CREATE FUNCTION platform_claim_mailbox(now timestamptz, passed uuid[])
    RETURNS TABLE (company_id uuid, mailbox_id uuid)
    LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    found_company uuid;
    found_mailbox uuid;
BEGIN
    SELECT m.company_id, m.id INTO found_company, found_mailbox
    FROM mailboxes m
    WHERE m.state = 'connected' AND m.reply_at <= now AND m.company_id <> ALL (passed)
    ORDER BY m.reply_at, m.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        SELECT m.company_id, m.id INTO found_company, found_mailbox
        FROM mailboxes m
        WHERE m.state = 'connected' AND m.next_send_at <= now AND m.company_id <> ALL (passed)
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
SELECT platform_function('platform_claim_mailbox(timestamptz, uuid[])');
