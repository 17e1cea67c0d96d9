-- People, how they sign in, what they belong to, and what they did.

-- A person is global: one password, several companies.
CREATE TABLE users (
    id             uuid PRIMARY KEY,
    email          text NOT NULL CONSTRAINT users_email_key UNIQUE CHECK (email = lower(email)),
    name           text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    password_hash  text NOT NULL,
    time_zone      text,
    created_at     timestamptz NOT NULL DEFAULT now()
);

-- Web sessions. The id is the SHA-256 of the cookie, so a leaked table opens nothing.
CREATE TABLE sessions (
    id          bytea PRIMARY KEY,
    user_id     uuid REFERENCES users (id) ON DELETE CASCADE,
    data        jsonb NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO saleswright_app;

-- Failed sign-ins, counted per address and per network address (both hashed).
CREATE TABLE sign_in_attempts (
    bucket        bytea PRIMARY KEY,
    failures      int NOT NULL DEFAULT 0,
    last_at       timestamptz NOT NULL,
    locked_until  timestamptz
);
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_attempts TO saleswright_app;

CREATE TABLE memberships (
    company_id      uuid,
    user_id         uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role            text NOT NULL CHECK (role IN ('owner', 'admin', 'manager', 'member', 'viewer')),
    created_at      timestamptz NOT NULL DEFAULT now(),
    last_active_at  timestamptz,
    -- A person who was removed keeps the row, so that their name stays on what they did.
    deactivated_at  timestamptz,
    PRIMARY KEY (company_id, user_id)
);
SELECT tenant_table('memberships');
CREATE INDEX memberships_user_id_idx ON memberships (user_id);

-- The people of the company that asks: their names, never their password hashes.
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY people_of_the_company ON users FOR SELECT TO saleswright_app
    USING (EXISTS (SELECT FROM memberships m WHERE m.user_id = users.id AND m.company_id = (SELECT current_company())));
GRANT SELECT (id, email, name, time_zone, created_at) ON users TO saleswright_app;

CREATE TABLE invitations (
    id           uuid PRIMARY KEY,
    company_id   uuid,
    email        text NOT NULL,
    role         text NOT NULL CHECK (role IN ('owner', 'admin', 'manager', 'member', 'viewer')),
    token_hash   bytea NOT NULL UNIQUE,
    invited_by   uuid NOT NULL REFERENCES users (id),
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    accepted_at  timestamptz,
    revoked_at   timestamptz
);
SELECT tenant_table('invitations');
-- One open invitation per address.
CREATE UNIQUE INDEX invitations_open_key ON invitations (company_id, email)
    WHERE accepted_at IS NULL AND revoked_at IS NULL;

CREATE TABLE api_keys (
    id            uuid PRIMARY KEY,
    company_id    uuid,
    name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    prefix        text NOT NULL,
    secret_hash   bytea NOT NULL UNIQUE,
    scopes        text[] NOT NULL,
    created_by    uuid REFERENCES users (id),
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz,
    expires_at    timestamptz,
    revoked_at    timestamptz,
    -- Theoretical arrival time of the rate limit (GCRA): one row, one update, every process.
    limit_tat     timestamptz NOT NULL DEFAULT '-infinity'
);
SELECT tenant_table('api_keys');

-- Answers to POST requests that carried an Idempotency-Key, kept for a day.
CREATE TABLE idempotent_answers (
    company_id    uuid,
    api_key_id    uuid NOT NULL,
    key           text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    fingerprint   bytea NOT NULL,
    status        int,
    headers       jsonb,
    body          bytea,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, api_key_id, key),
    FOREIGN KEY (company_id, api_key_id) REFERENCES api_keys (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('idempotent_answers');
CREATE INDEX idempotent_answers_created_at_idx ON idempotent_answers (created_at);

CREATE TABLE audit_events (
    id          uuid PRIMARY KEY,
    company_id  uuid,
    at          timestamptz NOT NULL DEFAULT now(),
    actor_kind  text NOT NULL CHECK (actor_kind IN ('person', 'key', 'system')),
    actor_id    uuid,
    actor       text NOT NULL,
    action      text NOT NULL,
    object      text,
    outcome     text NOT NULL CHECK (outcome IN ('allowed', 'denied')),
    details     text,
    ip          text,
    request_id  text
);
SELECT tenant_table('audit_events');
CREATE INDEX audit_events_at_idx ON audit_events (company_id, at DESC, id DESC);
-- The log is written once and read; nobody edits it.
REVOKE UPDATE, DELETE ON audit_events FROM saleswright_app;

-- Mails of the system itself (invitations), sent by a worker.
CREATE TABLE system_mails (
    id          uuid PRIMARY KEY,
    company_id  uuid,
    recipient   text NOT NULL,
    subject     text NOT NULL,
    body        text NOT NULL,
    state       text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'unknown')),
    attempts    int NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz,
    last_error  text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    sent_at     timestamptz
);
SELECT tenant_table('system_mails');
CREATE INDEX system_mails_waiting_idx ON system_mails (next_at) WHERE state = 'waiting';
