-- Threads: what people and the company have written to each other in one mailbox, and what is to be done about it.
-- A mail that comes changes its thread in the transaction that stores it.
CREATE TABLE threads (
    id                uuid PRIMARY KEY,
    company_id        uuid,
    mailbox_id        uuid NOT NULL,
    -- `lead:` and an id, or `from:` and an address: whom the thread is with, also after the lead was deleted.
    who               text NOT NULL,
    lead_id           uuid,
    account_id        uuid,
    campaign_id       uuid,
    from_name         text NOT NULL,
    from_address      text,
    subject           text NOT NULL,
    -- The beginning of the newest mail.
    snippet           text NOT NULL,
    state             text NOT NULL CHECK (state IN ('needs_answer', 'done', 'snoozed')),
    snoozed_until     timestamptz,
    assignee_id       uuid REFERENCES users (id) ON DELETE SET NULL,
    unread            boolean NOT NULL,
    -- When the newest mail came.
    last_at           timestamptz NOT NULL,
    class             text NOT NULL CHECK (class IN ('interested', 'question', 'not_now', 'out_of_office', 'unsubscribe',
                      'other')),
    class_why         text NOT NULL,
    class_confidence  text NOT NULL CHECK (class_confidence IN ('sure', 'likely', 'unsure')),
    classified_by     text NOT NULL CHECK (classified_by IN ('rule', 'model', 'person')),
    -- The mail that the class is about.
    class_inbound_id  uuid,
    -- Who is replying. It is over in minutes and asked for by time, so it outlives nobody that matters.
    held_by           uuid,
    held_name         text,
    held_until        timestamptz,
    version           bigint NOT NULL DEFAULT 1,
    CONSTRAINT threads_who_key UNIQUE (company_id, mailbox_id, who),
    CHECK ((state = 'snoozed') = (snoozed_until IS NOT NULL)),
    FOREIGN KEY (company_id, mailbox_id) REFERENCES mailboxes (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('threads');
ALTER TABLE threads
    ADD FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE SET NULL (lead_id),
    ADD FOREIGN KEY (company_id, account_id) REFERENCES accounts (company_id, id) ON DELETE SET NULL (account_id),
    ADD FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE SET NULL (campaign_id),
    ADD CONSTRAINT threads_class_inbound_fkey FOREIGN KEY (company_id, class_inbound_id)
        REFERENCES inbound_messages (company_id, id) ON DELETE SET NULL (class_inbound_id);
-- One for each tab and filter of the inbox, in its order.
CREATE INDEX threads_last_idx ON threads (company_id, last_at DESC, id DESC);
CREATE INDEX threads_state_idx ON threads (company_id, state, last_at DESC, id DESC);
CREATE INDEX threads_class_idx ON threads (company_id, class, last_at DESC, id DESC);
CREATE INDEX threads_mailbox_idx ON threads (company_id, mailbox_id, last_at DESC, id DESC);
CREATE INDEX threads_campaign_idx ON threads (company_id, campaign_id, last_at DESC, id DESC) WHERE campaign_id IS NOT NULL;
CREATE INDEX threads_assignee_idx ON threads (company_id, assignee_id, last_at DESC, id DESC) WHERE assignee_id IS NOT NULL;
CREATE INDEX threads_lead_idx ON threads (company_id, lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX threads_account_idx ON threads (company_id, account_id) WHERE account_id IS NOT NULL;
CREATE INDEX threads_unread_idx ON threads (company_id) WHERE unread AND state = 'needs_answer';
CREATE INDEX threads_snoozed_idx ON threads (snoozed_until) WHERE state = 'snoozed';
CREATE INDEX threads_held_idx ON threads (company_id, held_by) WHERE held_by IS NOT NULL;
CREATE INDEX threads_class_inbound_idx ON threads (company_id, class_inbound_id) WHERE class_inbound_id IS NOT NULL;

ALTER TABLE inbound_messages
    ADD COLUMN thread_id uuid,
    -- What the product has done because of the mail.
    ADD COLUMN effects text[] NOT NULL DEFAULT '{}' CHECK (effects <@ ARRAY['stopped_sequence', 'waits_until_back',
        'suppressed_address', 'marked_replied']),
    -- Names and sizes of the files that came with it.
    ADD COLUMN attachments jsonb NOT NULL DEFAULT '[]',
    ADD CONSTRAINT inbound_messages_thread_fkey FOREIGN KEY (company_id, thread_id)
        REFERENCES threads (company_id, id) ON DELETE SET NULL (thread_id);
CREATE INDEX inbound_messages_thread_idx ON inbound_messages (company_id, thread_id, arrived_at DESC, id DESC)
    WHERE thread_id IS NOT NULL;

-- Classes that a person has corrected: from them the company learns where rules and models are wrong.
CREATE TABLE thread_corrections (
    id              uuid PRIMARY KEY,
    company_id      uuid,
    thread_id       uuid NOT NULL,
    inbound_id      uuid,
    at              timestamptz NOT NULL,
    by_name         text NOT NULL,
    was             text NOT NULL,
    was_confidence  text NOT NULL,
    was_by          text NOT NULL,
    became          text NOT NULL,
    FOREIGN KEY (company_id, thread_id) REFERENCES threads (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, inbound_id) REFERENCES inbound_messages (company_id, id) ON DELETE SET NULL (inbound_id)
);
SELECT tenant_table('thread_corrections');
CREATE INDEX thread_corrections_thread_idx ON thread_corrections (company_id, thread_id, at DESC);
CREATE INDEX thread_corrections_inbound_idx ON thread_corrections (company_id, inbound_id) WHERE inbound_id IS NOT NULL;

-- Snoozed threads whose time has come although nobody has woken them.
CREATE FUNCTION platform_waking_threads(now timestamptz) RETURNS TABLE (company_id uuid, thread_id uuid)
    LANGUAGE sql STABLE
AS $$ SELECT t.company_id, t.id FROM threads t WHERE t.state = 'snoozed' AND t.snoozed_until <= now
      ORDER BY t.snoozed_until LIMIT 500 $$;
GRANT SELECT (company_id, id, state, snoozed_until) ON threads TO saleswright_platform;
CREATE POLICY across_companies ON threads FOR SELECT TO saleswright_platform USING (true);
SELECT platform_function('platform_waking_threads(timestamptz)');

-- Mails that came before there were threads get theirs. The owner sees the rows of all companies for the time of
-- these statements only.
ALTER TABLE inbound_messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE threads NO FORCE ROW LEVEL SECURITY;
WITH mails AS (
    SELECT i.*, CASE WHEN i.lead_id IS NULL THEN 'from:' || i.from_address ELSE 'lead:' || i.lead_id END AS who
    FROM inbound_messages i
    WHERE i.kind IN ('reply', 'auto_reply', 'out_of_office', 'unsubscribe')
      AND (i.lead_id IS NOT NULL OR i.from_address IS NOT NULL)
), newest AS (
    SELECT DISTINCT ON (company_id, mailbox_id, who) * FROM mails
    ORDER BY company_id, mailbox_id, who, arrived_at DESC, id DESC
)
INSERT INTO threads (id, company_id, mailbox_id, who, lead_id, account_id, campaign_id, from_name, from_address, subject,
                     snippet, state, unread, last_at, class, class_why, class_confidence, classified_by, class_inbound_id)
SELECT gen_random_uuid(), company_id, mailbox_id, who, lead_id, account_id, campaign_id, from_name, from_address, subject,
       left(regexp_replace(text, '\s+', ' ', 'g'), 200), CASE kind WHEN 'reply' THEN 'needs_answer' ELSE 'done' END, false,
       arrived_at, CASE kind WHEN 'out_of_office' THEN kind WHEN 'unsubscribe' THEN kind ELSE 'other' END, why,
       CASE kind WHEN 'reply' THEN 'unsure' ELSE confidence END, 'rule', id
FROM newest;
UPDATE inbound_messages i SET thread_id = t.id
FROM threads t
WHERE i.company_id = t.company_id AND i.mailbox_id = t.mailbox_id
  AND i.kind IN ('reply', 'auto_reply', 'out_of_office', 'unsubscribe')
  AND t.who = CASE WHEN i.lead_id IS NULL THEN 'from:' || i.from_address ELSE 'lead:' || i.lead_id END;
ALTER TABLE inbound_messages FORCE ROW LEVEL SECURITY;
ALTER TABLE threads FORCE ROW LEVEL SECURITY;
