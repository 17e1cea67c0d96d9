-- Campaigns, the leads in them, and every e-mail they plan or send.

CREATE TABLE campaigns (
    id               uuid PRIMARY KEY,
    company_id       uuid,
    name             text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 120),
    state            text NOT NULL DEFAULT 'draft'
                     CHECK (state IN ('draft', 'scheduled', 'running', 'pausing', 'paused', 'stopping', 'stopped',
                                      'completed', 'failed')),
    starts_at        timestamptz,
    started_at       timestamptz,
    paused_at        timestamptz,
    paused_by        text CHECK (paused_by IN ('person', 'system')),
    pause_reason     text,
    ended_at         timestamptz,
    failure          text,
    audience_kind    text NOT NULL DEFAULT 'selection' CHECK (audience_kind IN ('filter', 'selection')),
    audience_filter  jsonb,
    -- Leads frozen at the start; what the ledger must add up to.
    audience_size    bigint NOT NULL DEFAULT 0,
    window_days      smallint[] NOT NULL DEFAULT '{1,2,3,4,5}',
    window_from      int NOT NULL DEFAULT 540,
    window_to        int NOT NULL DEFAULT 1020,
    window_zone      text NOT NULL DEFAULT 'lead' CHECK (window_zone IN ('lead', 'company')),
    -- Seconds this campaign has been paused in all. A message that was planned with less waits
    -- until its time is set later by the difference.
    plan_shift       bigint NOT NULL DEFAULT 0,
    created_by       uuid REFERENCES users (id) ON DELETE SET NULL,
    archived_at      timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    version          bigint NOT NULL DEFAULT 1
);
SELECT tenant_table('campaigns');
CREATE INDEX campaigns_list_idx ON campaigns (company_id, updated_at DESC, id DESC);
CREATE INDEX campaigns_open_idx ON campaigns (state) WHERE state IN ('scheduled', 'running', 'pausing', 'stopping');

CREATE TABLE campaign_steps (
    id            uuid PRIMARY KEY,
    company_id    uuid,
    campaign_id   uuid NOT NULL,
    position      int NOT NULL,
    delay_amount  int NOT NULL CHECK (delay_amount BETWEEN 0 AND 365),
    delay_unit    text NOT NULL CHECK (delay_unit IN ('minutes', 'hours', 'days', 'working_days')),
    subject       text NOT NULL,
    body          text NOT NULL,
    version       bigint NOT NULL DEFAULT 1,
    CONSTRAINT campaign_steps_position_key UNIQUE (company_id, campaign_id, position) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('campaign_steps');

CREATE TABLE campaign_mailboxes (
    company_id   uuid,
    campaign_id  uuid NOT NULL,
    mailbox_id   uuid NOT NULL,
    position     int NOT NULL,
    PRIMARY KEY (company_id, campaign_id, mailbox_id),
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, mailbox_id) REFERENCES mailboxes (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('campaign_mailboxes');

-- Leads that were chosen but not placed yet, in chunks: a chunk is deleted in the transaction
-- that places its leads, so what is left is what is still to do.
CREATE TABLE campaign_audience (
    company_id   uuid,
    campaign_id  uuid NOT NULL,
    chunk_no     bigint GENERATED ALWAYS AS IDENTITY,
    lead_ids     uuid[] NOT NULL,
    PRIMARY KEY (company_id, campaign_id, chunk_no),
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('campaign_audience');

CREATE TABLE enrolments (
    id           uuid PRIMARY KEY,
    company_id   uuid,
    campaign_id  uuid NOT NULL,
    -- Absent once the lead was deleted: the ledger still counts it.
    lead_id      uuid,
    state        text NOT NULL
                 CHECK (state IN ('active', 'waiting_delay', 'waiting_window', 'finished', 'replied', 'bounced',
                                  'unsubscribed', 'suppressed', 'stopped', 'failed', 'skipped')),
    end_reason   text
                 CHECK (end_reason IN ('campaign_stopped', 'removed', 'lead_deleted', 'no_address',
                                       'on_suppression_list', 'missing_variable', 'hard_bounce', 'soft_exhausted',
                                       'rejected', 'outcome_unknown')),
    steps_done   int NOT NULL DEFAULT 0,
    mailbox_id   uuid,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE SET NULL (lead_id),
    FOREIGN KEY (company_id, mailbox_id) REFERENCES mailboxes (company_id, id) ON DELETE SET NULL (mailbox_id)
);
SELECT tenant_table('enrolments');
CREATE UNIQUE INDEX enrolments_lead_key ON enrolments (company_id, campaign_id, lead_id);
CREATE INDEX enrolments_state_idx ON enrolments (company_id, campaign_id, state, end_reason);
CREATE INDEX enrolments_lead_idx ON enrolments (company_id, lead_id);
CREATE INDEX enrolments_open_idx ON enrolments (company_id, campaign_id)
    WHERE state IN ('active', 'waiting_delay', 'waiting_window');

CREATE TABLE messages (
    id                 uuid PRIMARY KEY,
    company_id         uuid,
    campaign_id        uuid NOT NULL,
    enrolment_id       uuid NOT NULL,
    lead_id            uuid,
    step_id            uuid NOT NULL,
    position           int NOT NULL,
    -- Grows only when a person decides to write again after an unknown outcome.
    attempt_group      int NOT NULL DEFAULT 0,
    mailbox_id         uuid NOT NULL,
    state              text NOT NULL DEFAULT 'scheduled'
                       CHECK (state IN ('scheduled', 'claimed', 'sending', 'sent', 'deferred', 'failed', 'unknown',
                                        'cancelled')),
    due_at             timestamptz NOT NULL,
    window_ends_at     timestamptz NOT NULL,
    plan_shift         bigint NOT NULL,
    lease_token        uuid,
    lease_until        timestamptz,
    sending_at         timestamptz,
    sent_at            timestamptz,
    first_attempt_at   timestamptz,
    attempts           int NOT NULL DEFAULT 0,
    server             text,
    queue_id           text,
    detail             text,
    -- Written when the e-mail is frozen.
    recipient          text,
    subject            text,
    message_id_header  text,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT messages_once_key UNIQUE (company_id, enrolment_id, step_id, attempt_group),
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, enrolment_id) REFERENCES enrolments (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE SET NULL (lead_id),
    FOREIGN KEY (company_id, step_id) REFERENCES campaign_steps (company_id, id),
    FOREIGN KEY (company_id, mailbox_id) REFERENCES mailboxes (company_id, id)
);
SELECT tenant_table('messages');
-- What a claim walks along: one mailbox, one running campaign, by time.
CREATE INDEX messages_due_idx ON messages (company_id, mailbox_id, campaign_id, due_at) WHERE state IN ('scheduled', 'deferred');
-- What the rolling cap counts.
CREATE INDEX messages_sending_at_idx ON messages (company_id, mailbox_id, sending_at) WHERE sending_at IS NOT NULL;
-- What the reaper looks for.
CREATE INDEX messages_lease_idx ON messages (lease_until) WHERE state IN ('claimed', 'sending');
CREATE INDEX messages_campaign_idx ON messages (company_id, campaign_id, state, due_at);
CREATE INDEX messages_plan_idx ON messages (company_id, campaign_id, plan_shift) WHERE state IN ('scheduled', 'deferred');
CREATE INDEX messages_lead_idx ON messages (company_id, lead_id);

-- The e-mail as it was handed over, byte for byte.
CREATE TABLE message_contents (
    company_id  uuid,
    message_id  uuid NOT NULL,
    mime        bytea NOT NULL,
    PRIMARY KEY (company_id, message_id),
    FOREIGN KEY (company_id, message_id) REFERENCES messages (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('message_contents');

CREATE TABLE campaign_events (
    id           uuid PRIMARY KEY,
    company_id   uuid,
    campaign_id  uuid NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    kind         text NOT NULL,
    actor        text NOT NULL,
    text         text,
    lead_id      uuid,
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE SET NULL (lead_id)
);
SELECT tenant_table('campaign_events');
CREATE INDEX campaign_events_at_idx ON campaign_events (company_id, campaign_id, at DESC, id DESC);

-- Test mails: one step, rendered for one lead, to an address that somebody entered.
CREATE TABLE test_mails (
    id           uuid PRIMARY KEY,
    company_id   uuid,
    campaign_id  uuid NOT NULL,
    step_id      uuid NOT NULL,
    lead_id      uuid,
    recipient    text NOT NULL,
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'unknown')),
    detail       text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, step_id) REFERENCES campaign_steps (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE SET NULL (lead_id)
);
SELECT tenant_table('test_mails');
CREATE INDEX test_mails_campaign_idx ON test_mails (company_id, campaign_id, created_at DESC);

-- E-mails of a mailbox that count towards its cap: handed over in the last 24 hours, or about to be.
CREATE FUNCTION mailbox_used(mailbox uuid, now timestamptz) RETURNS bigint
    LANGUAGE sql STABLE
AS $$
    SELECT (SELECT count(*) FROM messages
            WHERE company_id = (SELECT current_company()) AND mailbox_id = mailbox
              AND sending_at > now - interval '24 hours')
         + (SELECT count(*) FROM messages
            WHERE company_id = (SELECT current_company()) AND mailbox_id = mailbox
              AND state = 'claimed' AND lease_until > now)
$$;

-- Why a running campaign sends nothing at the moment; absent when it sends, or when nothing is due.
CREATE FUNCTION campaign_hold(campaign uuid, now timestamptz) RETURNS text
    LANGUAGE sql STABLE
AS $$
    WITH box AS (
        SELECT m.id, m.state = 'connected' AS connected, mailbox_used(m.id, now) >= m.daily_cap AS full_up,
               EXISTS (SELECT FROM messages g WHERE g.company_id = m.company_id AND g.mailbox_id = m.id
                         AND g.campaign_id = campaign AND g.state IN ('scheduled', 'deferred') AND g.due_at <= now) AS due
        FROM campaign_mailboxes cm JOIN mailboxes m ON m.id = cm.mailbox_id
        WHERE cm.campaign_id = campaign
    )
    SELECT CASE
        WHEN NOT EXISTS (SELECT FROM box WHERE connected) THEN 'no_healthy_mailbox'
        WHEN EXISTS (SELECT FROM box WHERE due AND connected AND NOT full_up) THEN NULL
        WHEN EXISTS (SELECT FROM box WHERE due AND connected) THEN 'daily_cap'
        WHEN EXISTS (SELECT FROM box WHERE due) THEN 'no_healthy_mailbox'
        WHEN EXISTS (SELECT FROM enrolments e WHERE e.company_id = (SELECT current_company())
                       AND e.campaign_id = campaign AND e.state = 'waiting_window') THEN 'outside_window'
    END
$$;
