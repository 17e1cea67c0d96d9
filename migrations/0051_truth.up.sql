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
