-- Send proofs: after each pause and each end, a file in which every lead of the audience has one row, and its hash.

CREATE TABLE send_proofs (
    company_id   uuid,
    campaign_id  uuid NOT NULL,
    -- From 1, in the order in which they were made.
    number       int NOT NULL CHECK (number > 0),
    -- When the campaign paused or ended; each time gets one proof.
    caused_at    timestamptz NOT NULL,
    -- When the snapshot was taken, and what the campaign was then.
    made_at      timestamptz NOT NULL,
    state        text NOT NULL
                 CHECK (state IN ('draft', 'scheduled', 'running', 'pausing', 'paused', 'stopping', 'stopped',
                                  'completed', 'failed')),
    -- As `domain::ledger::Ledger` says, counted from the rows of the file.
    ledger       jsonb NOT NULL,
    rows         bigint NOT NULL CHECK (rows >= 0),
    size         bigint NOT NULL CHECK (size > 0),
    sha256       bytea NOT NULL CHECK (octet_length(sha256) = 32),
    PRIMARY KEY (company_id, campaign_id, number),
    UNIQUE (company_id, campaign_id, caused_at),
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('send_proofs');

-- The file, in pieces that one answer reads one after the other. Old files go; their hashes stay.
CREATE TABLE send_proof_parts (
    company_id   uuid,
    campaign_id  uuid NOT NULL,
    number       int NOT NULL,
    place        int NOT NULL CHECK (place >= 0),
    bytes        bytea NOT NULL,
    PRIMARY KEY (company_id, campaign_id, number, place),
    -- The pieces are written first: how many rows there are is known last.
    FOREIGN KEY (company_id, campaign_id, number) REFERENCES send_proofs (company_id, campaign_id, number)
        ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);
SELECT tenant_table('send_proof_parts');

-- What is known about an e-mail whose server has said nothing.
ALTER TABLE messages
    ADD COLUMN unknown_at timestamptz,
    -- When its mailbox was last searched for a copy of it.
    ADD COLUMN looked_at timestamptz,
    -- What has shown that it was taken after all, and when.
    ADD COLUMN evidence text CHECK (evidence IN ('sent_folder', 'answer', 'tracking')),
    ADD COLUMN evidence_at timestamptz,
    -- When it was handed over once more, with the same Message-ID; at most once.
    ADD COLUMN resent_at timestamptz,
    -- When nobody looked any more: it stays unknown.
    ADD COLUMN final_at timestamptz;
CREATE INDEX messages_unknown_idx ON messages (company_id, mailbox_id) WHERE state = 'unknown' AND final_at IS NULL;

-- Unknown messages that are to be sent again or to be left alone for good.
CREATE FUNCTION platform_unknown_messages(now timestamptz, most int)
    RETURNS TABLE (company_id uuid, message_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT m.company_id, m.id FROM messages m
    WHERE m.state = 'unknown' AND m.final_at IS NULL
      AND (coalesce(m.unknown_at, m.updated_at) <= now - interval '72 hours'
           OR m.resent_at IS NULL AND coalesce(m.unknown_at, m.updated_at) <= now - interval '24 hours'
              AND EXISTS (SELECT FROM campaigns c WHERE c.company_id = m.company_id AND c.id = m.campaign_id
                            AND c.state = 'running' AND c.rules ->> 'on_unknown' = 'resend'))
    ORDER BY m.updated_at LIMIT most
$$;
SELECT platform_function('platform_unknown_messages(timestamptz, int)');
