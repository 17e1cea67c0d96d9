-- Replies: e-mails that people write in a thread. They are messages like those of campaigns, claimed, frozen, handed
-- over and judged by the same protocol, and they count towards the cap of their mailbox. A message without a campaign
-- is one of them: its place being absent says so, so a column for the kind could only contradict it.
ALTER TABLE messages
    ALTER COLUMN campaign_id DROP NOT NULL,
    ALTER COLUMN enrolment_id DROP NOT NULL,
    ALTER COLUMN step_id DROP NOT NULL,
    ALTER COLUMN position DROP NOT NULL,
    -- A message belongs to a step of a campaign, or to none at all.
    ADD CONSTRAINT messages_place_check CHECK (num_nulls(campaign_id, enrolment_id, step_id, position) IN (0, 4));
-- What a claim looks at besides campaigns.
CREATE INDEX messages_replies_idx ON messages (company_id, mailbox_id, due_at)
    WHERE campaign_id IS NULL AND state IN ('scheduled', 'deferred');

CREATE TABLE replies (
    company_id   uuid,
    message_id   uuid NOT NULL,
    thread_id    uuid NOT NULL,
    -- The mail that it answers.
    inbound_id   uuid,
    -- Made by the form: however often it is posted, one e-mail leaves.
    request      uuid,
    subject      text NOT NULL,
    body         text NOT NULL,
    -- What stands below the words of the author.
    quoted       text NOT NULL,
    recipient    text NOT NULL,
    -- Ids of the mails before it, the oldest first; the last one is the mail that it answers.
    answers      text[] NOT NULL,
    author_id    uuid REFERENCES users (id) ON DELETE SET NULL,
    author       text NOT NULL,
    -- The thread was done with it; it needs an answer again when the e-mail does not leave.
    then_done    boolean NOT NULL,
    -- Its author has thought better of it before it left.
    taken_back_at  timestamptz,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (company_id, message_id),
    CONSTRAINT replies_request_key UNIQUE (company_id, request),
    FOREIGN KEY (company_id, message_id) REFERENCES messages (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, thread_id) REFERENCES threads (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, inbound_id) REFERENCES inbound_messages (company_id, id) ON DELETE SET NULL (inbound_id)
);
SELECT tenant_table('replies');
CREATE INDEX replies_thread_idx ON replies (company_id, thread_id, created_at DESC);
CREATE INDEX replies_inbound_idx ON replies (company_id, inbound_id) WHERE inbound_id IS NOT NULL;
CREATE INDEX replies_author_idx ON replies (author_id) WHERE author_id IS NOT NULL;

-- What somebody has begun to write.
CREATE TABLE reply_drafts (
    company_id  uuid,
    thread_id   uuid NOT NULL,
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    subject     text NOT NULL,
    body        text NOT NULL,
    quotes      boolean NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (company_id, thread_id, user_id),
    FOREIGN KEY (company_id, thread_id) REFERENCES threads (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('reply_drafts');
CREATE INDEX reply_drafts_user_idx ON reply_drafts (user_id);

-- Whether nothing may be sent to an address in a thread, not even an answer. One place, asked when an answer is written,
-- at the claim and at the last look. Whoever has written after they were suppressed, and does not ask for silence
-- again, is answered.
CREATE FUNCTION answer_barred(thread uuid, address text) RETURNS boolean
    LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM suppressions s
        WHERE s.company_id = (SELECT current_company()) AND s.target IN (address, split_part(address, '@', 2))
          AND (s.reason = 'erased' OR NOT EXISTS (
              SELECT FROM threads t CROSS JOIN LATERAL (
                  SELECT i.kind, i.arrived_at FROM inbound_messages i
                  WHERE i.company_id = t.company_id AND i.thread_id = t.id AND lower(i.from_address) = address
                    AND i.kind IN ('reply', 'other', 'unsubscribe')
                  ORDER BY i.arrived_at DESC, i.id DESC LIMIT 1) n
              WHERE t.company_id = (SELECT current_company()) AND t.id = thread AND t.class <> 'unsubscribe'
                AND n.kind <> 'unsubscribe' AND n.arrived_at > s.created_at))
    )
$$;

-- When the next reply of a mailbox is due. It has a time of its own: the pause between the e-mails of campaigns does not
-- hold it.
ALTER TABLE mailboxes ADD COLUMN reply_at timestamptz;
CREATE INDEX mailboxes_reply_idx ON mailboxes (reply_at) WHERE reply_at IS NOT NULL;

-- The mailbox whose turn it is: those with a reply that is due before those with e-mails of campaigns.
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
