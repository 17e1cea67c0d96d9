-- Where replies are read: the IMAP server of a mailbox, how far its INBOX has been read, and who reads it now.
CREATE TABLE inboxes (
    company_id      uuid,
    mailbox_id      uuid NOT NULL,
    host            text NOT NULL,
    port            int NOT NULL CHECK (port BETWEEN 1 AND 65535),
    security        text NOT NULL CHECK (security IN ('tls', 'start_tls', 'none')),
    username        text NOT NULL,
    -- Encrypted with the key of the company; the row's identity is part of what is authenticated.
    password_sealed bytea NOT NULL,
    -- The mails from this day on are read.
    since           date NOT NULL,
    -- Names the server and the account: another one counts its mails anew, and may use the same numbers.
    place           uuid NOT NULL,
    -- Uids count within a validity (RFC 9051, 2.3.1.1); mails up to `last_uid` are stored.
    uid_validity    bigint,
    last_uid        bigint NOT NULL DEFAULT 0,
    read_at         timestamptz,
    error           text,
    failures        int NOT NULL DEFAULT 0,
    -- Mails that the last comparison found missing, how many of them were read since, and when it came to its end.
    missing         int NOT NULL DEFAULT 0,
    mended          int NOT NULL DEFAULT 0,
    compared_at     timestamptz,
    next_read_at    timestamptz NOT NULL,
    lease_token     uuid,
    lease_until     timestamptz,
    PRIMARY KEY (company_id, mailbox_id),
    FOREIGN KEY (company_id, mailbox_id) REFERENCES mailboxes (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('inboxes');
CREATE INDEX inboxes_next_idx ON inboxes (next_read_at);

-- By which a mail is known again when its server counts anew: its octets, or its own id when a move has changed them.
ALTER TABLE inbound_messages ADD COLUMN digest bytea CHECK (octet_length(digest) = 32);
CREATE INDEX inbound_messages_digest_idx ON inbound_messages (company_id, mailbox_id, digest) WHERE digest IS NOT NULL;
CREATE INDEX inbound_messages_id_idx ON inbound_messages (company_id, mailbox_id, message_id)
    WHERE message_id IS NOT NULL;

-- A mail may answer one that has come, as a colleague does who answers a lead.
ALTER TABLE inbound_messages
    DROP CONSTRAINT inbound_messages_matched_by_check,
    ADD CONSTRAINT inbound_messages_matched_by_check CHECK (matched_by IN ('message_id', 'thread', 'address', 'account'));

-- A mail that nobody could take apart is kept for a person to look at.
ALTER TABLE inbound_messages
    DROP CONSTRAINT inbound_messages_kind_check,
    ADD CONSTRAINT inbound_messages_kind_check CHECK (kind IN ('reply', 'auto_reply', 'out_of_office', 'bounce',
        'complaint', 'unsubscribe', 'other', 'unreadable'));
CREATE INDEX inbound_messages_unreadable_idx ON inbound_messages (company_id, mailbox_id, arrived_at DESC, id DESC)
    WHERE kind = 'unreadable';

GRANT SELECT ON inboxes TO saleswright_platform;
GRANT UPDATE (lease_token, lease_until) ON inboxes TO saleswright_platform;
CREATE POLICY across_companies ON inboxes TO saleswright_platform USING (true) WITH CHECK (true);

-- Takes the inbox that is due the longest and that nobody reads: a worker serves all companies and cannot know
-- beforehand whose turn it is.
CREATE FUNCTION platform_claim_inbox(now timestamptz, token uuid, until timestamptz)
    RETURNS TABLE (company_id uuid, mailbox_id uuid)
    LANGUAGE sql VOLATILE
AS $$
    UPDATE inboxes i SET lease_token = token, lease_until = until
    FROM (SELECT d.company_id, d.mailbox_id FROM inboxes d
          WHERE d.next_read_at <= now AND (d.lease_until IS NULL OR d.lease_until <= now)
          ORDER BY d.next_read_at LIMIT 1 FOR UPDATE SKIP LOCKED) due
    WHERE i.company_id = due.company_id AND i.mailbox_id = due.mailbox_id
    RETURNING i.company_id, i.mailbox_id
$$;
SELECT platform_function('platform_claim_inbox(timestamptz, uuid, timestamptz)');
