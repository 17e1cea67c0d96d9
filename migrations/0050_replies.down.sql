CREATE OR REPLACE FUNCTION platform_claim_mailbox(now timestamptz) RETURNS TABLE (company_id uuid, mailbox_id uuid)
    LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    found_company uuid;
    found_mailbox uuid;
BEGIN
    SELECT m.company_id, m.id INTO found_company, found_mailbox
    FROM mailboxes m
    WHERE m.state = 'connected' AND m.next_send_at <= now
    ORDER BY (SELECT max(o.last_turn_at) FROM mailboxes o WHERE o.company_id = m.company_id), m.last_turn_at, m.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE mailboxes m SET last_turn_at = now WHERE m.id = found_mailbox;
    RETURN QUERY SELECT found_company, found_mailbox;
END
$$;
SELECT platform_function('platform_claim_mailbox(timestamptz)');
ALTER TABLE mailboxes DROP COLUMN reply_at;
DROP FUNCTION answer_barred(uuid, text);
DROP TABLE reply_drafts, replies;
DROP INDEX messages_replies_idx;
ALTER TABLE messages DROP CONSTRAINT messages_place_check;
-- What belongs to no step cannot be kept.
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
DELETE FROM messages WHERE campaign_id IS NULL;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
ALTER TABLE messages
    ALTER COLUMN campaign_id SET NOT NULL,
    ALTER COLUMN enrolment_id SET NOT NULL,
    ALTER COLUMN step_id SET NOT NULL,
    ALTER COLUMN position SET NOT NULL;
