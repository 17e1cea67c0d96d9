-- The addresses that e-mails leave from, and the mails that the sandbox has caught.

CREATE TABLE mailboxes (
    id              uuid PRIMARY KEY,
    company_id      uuid,
    kind            text NOT NULL CHECK (kind IN ('smtp', 'sandbox')),
    from_name       text NOT NULL,
    address         text NOT NULL CHECK (address = lower(address)),
    host            text NOT NULL,
    port            int NOT NULL CHECK (port BETWEEN 1 AND 65535),
    security        text NOT NULL CHECK (security IN ('tls', 'start_tls', 'none')),
    username        text,
    -- Encrypted with the key of the company; the row's identity is part of what is authenticated.
    password_sealed bytea,
    state           text NOT NULL DEFAULT 'connected' CHECK (state IN ('connected', 'reconnect', 'paused')),
    last_error      text,
    failures        int NOT NULL DEFAULT 0,
    daily_cap       int NOT NULL CHECK (daily_cap BETWEEN 0 AND 100000),
    gap_seconds     int NOT NULL CHECK (gap_seconds BETWEEN 0 AND 86400),
    -- Nothing leaves before: the gap after the last e-mail, the cap, or the wait after a fault.
    not_before      timestamptz NOT NULL DEFAULT '-infinity',
    -- When the sender should look at this mailbox again; absent when nothing waits.
    next_send_at    timestamptz,
    -- When it last had its turn; the one that waited longest goes first.
    last_turn_at    timestamptz NOT NULL DEFAULT '-infinity',
    checked_at      timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    version         bigint NOT NULL DEFAULT 1
);
SELECT tenant_table('mailboxes');
CREATE UNIQUE INDEX mailboxes_address_key ON mailboxes (company_id, address);
CREATE INDEX mailboxes_due_idx ON mailboxes (next_send_at) WHERE state = 'connected' AND next_send_at IS NOT NULL;

-- Mails the sandbox has caught: they belong to the company whose mailbox signed in.
CREATE TABLE sandbox_mails (
    id           uuid PRIMARY KEY,
    company_id   uuid,
    mailbox_id   uuid,
    mail_from    text NOT NULL,
    recipients   text[] NOT NULL,
    subject      text,
    raw          bytea NOT NULL,
    received_at  timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (company_id, mailbox_id) REFERENCES mailboxes (company_id, id) ON DELETE SET NULL (mailbox_id)
);
SELECT tenant_table('sandbox_mails');
CREATE INDEX sandbox_mails_received_idx ON sandbox_mails (company_id, received_at DESC, id DESC);
