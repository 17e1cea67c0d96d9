-- What comes back: replies of people, answers of programs, bounces, complaints. A mail is stored once, and what
-- it means for leads and enrolments is the same commit.
CREATE TABLE inbound_messages (
    id            uuid PRIMARY KEY,
    company_id    uuid,
    mailbox_id    uuid NOT NULL,
    -- Names the mail in its mailbox, so that reading it again stores nothing.
    uid_key       text NOT NULL CHECK (char_length(uid_key) BETWEEN 1 AND 200),
    arrived_at    timestamptz NOT NULL,
    stored_at     timestamptz NOT NULL,
    message_id    text,
    -- Ids of the e-mails that it answers, the nearest first.
    answers       text[] NOT NULL,
    from_name     text NOT NULL,
    from_address  text,
    subject       text NOT NULL,
    -- What the sender says, and apart from it what they quote.
    text          text NOT NULL,
    quoted        text NOT NULL,
    -- As it came over the wire; absent for one that is too large to keep.
    raw           bytea,
    kind          text NOT NULL CHECK (kind IN ('reply', 'auto_reply', 'out_of_office', 'bounce', 'complaint',
                  'unsubscribe', 'other')),
    why           text NOT NULL,
    confidence    text NOT NULL CHECK (confidence IN ('sure', 'likely', 'unsure')),
    bounce        text CHECK (bounce IN ('hard', 'refused', 'soft')),
    status        text,
    back_on       date,
    matched_by    text CHECK (matched_by IN ('message_id', 'address', 'account')),
    lead_id       uuid,
    account_id    uuid,
    campaign_id   uuid,
    enrolment_id  uuid,
    outgoing_id   uuid,
    CONSTRAINT inbound_messages_once_key UNIQUE (company_id, mailbox_id, uid_key),
    CHECK ((kind = 'bounce') = (bounce IS NOT NULL))
);
SELECT tenant_table('inbound_messages');
ALTER TABLE inbound_messages
    ADD FOREIGN KEY (company_id, mailbox_id) REFERENCES mailboxes (company_id, id) ON DELETE CASCADE,
    ADD FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE SET NULL (lead_id),
    ADD FOREIGN KEY (company_id, account_id) REFERENCES accounts (company_id, id) ON DELETE SET NULL (account_id),
    ADD FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE SET NULL (campaign_id),
    ADD FOREIGN KEY (company_id, enrolment_id) REFERENCES enrolments (company_id, id) ON DELETE SET NULL (enrolment_id),
    ADD FOREIGN KEY (company_id, outgoing_id) REFERENCES messages (company_id, id) ON DELETE SET NULL (outgoing_id);
CREATE INDEX inbound_messages_arrived_idx ON inbound_messages (company_id, arrived_at DESC, id DESC);
CREATE INDEX inbound_messages_lead_idx ON inbound_messages (company_id, lead_id, arrived_at DESC) WHERE lead_id IS NOT NULL;
CREATE INDEX inbound_messages_account_idx ON inbound_messages (company_id, account_id) WHERE account_id IS NOT NULL;
CREATE INDEX inbound_messages_campaign_idx ON inbound_messages (company_id, campaign_id) WHERE campaign_id IS NOT NULL;
CREATE INDEX inbound_messages_enrolment_idx ON inbound_messages (company_id, enrolment_id) WHERE enrolment_id IS NOT NULL;
CREATE INDEX inbound_messages_outgoing_idx ON inbound_messages (company_id, outgoing_id) WHERE outgoing_id IS NOT NULL;

-- By which an answer finds the e-mail that it answers, and a colleague the firm.
CREATE INDEX messages_header_idx ON messages (company_id, message_id_header) WHERE message_id_header IS NOT NULL;
CREATE INDEX accounts_domain_idx ON accounts (company_id, domain) WHERE domain IS NOT NULL;

-- A lead that is away is left alone until then.
ALTER TABLE enrolments ADD COLUMN away_until timestamptz;

-- An entry of a timeline that a mail has told of.
ALTER TABLE lead_events
    ADD COLUMN inbound_id uuid,
    ADD CONSTRAINT lead_events_inbound_fkey FOREIGN KEY (company_id, inbound_id)
        REFERENCES inbound_messages (company_id, id) ON DELETE SET NULL (inbound_id),
    DROP CONSTRAINT lead_events_kind_check,
    ADD CONSTRAINT lead_events_kind_check CHECK (kind IN ('created', 'imported', 'edited', 'status_changed',
        'owner_changed', 'tagged', 'noted', 'enrolled', 'sent', 'bounced', 'soft_bounced', 'unknown', 'replied',
        'auto_replied', 'unsubscribed', 'suppressed', 'left'));
CREATE INDEX lead_events_inbound_idx ON lead_events (company_id, inbound_id) WHERE inbound_id IS NOT NULL;

-- Answers set triggers off.
ALTER TABLE triggers
    DROP CONSTRAINT triggers_kind_check,
    ADD CONSTRAINT triggers_kind_check CHECK (kind IN ('schedule', 'lead_created', 'score_crossed', 'campaign_state',
        'reply_received', 'incoming_webhook'));
ALTER TABLE trigger_firings
    ADD COLUMN inbound_id uuid,
    ADD CONSTRAINT trigger_firings_inbound_fkey FOREIGN KEY (company_id, inbound_id)
        REFERENCES inbound_messages (company_id, id) ON DELETE SET NULL (inbound_id);
CREATE INDEX trigger_firings_inbound_idx ON trigger_firings (company_id, inbound_id) WHERE inbound_id IS NOT NULL;
