-- Sign-ups: an address asks for an account, and the answer goes to its inbox. Who asks about somebody
-- else's address learns nothing, because the page says the same whether it has an account or not.

CREATE TABLE sign_ups (
    id           uuid PRIMARY KEY,
    email        text NOT NULL,
    -- Of the mail, as with mails of companies. Its words are made when it is sent.
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'unknown')),
    attempts     int NOT NULL DEFAULT 0,
    next_at      timestamptz NOT NULL,
    lease_until  timestamptz,
    last_error   text,
    created_at   timestamptz NOT NULL
);
CREATE INDEX sign_ups_email_idx ON sign_ups (email, created_at);
CREATE INDEX sign_ups_waiting_idx ON sign_ups (next_at) WHERE state = 'waiting';
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_ups TO saleswright_app;
