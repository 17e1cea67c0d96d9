-- Connectors: servers of the Model Context Protocol whose tools the agents of a company may call. What a server
-- says of its tools is the word of somebody outside; only what a person has reviewed is called.

CREATE TABLE connectors (
    id               uuid PRIMARY KEY,
    company_id       uuid,
    -- Agents write it in front of the name of a tool, so it never changes.
    name             text NOT NULL CHECK (name ~ '^[a-z][a-z0-9-]{0,29}$'),
    transport        text NOT NULL CHECK (transport IN ('http', 'stdio')),
    url              text,
    command          text,
    args             text[] NOT NULL DEFAULT '{}',
    auth             text NOT NULL CHECK (auth IN ('none', 'bearer', 'header', 'oauth')),
    -- Name of the header, or of the environment variable of a command, that carries the secret.
    secret_name      text,
    -- The client that the company has registered at the server's provider; a new one is asked for when absent.
    client_id        text,
    secret_sealed    bytea,
    -- What signing in has given.
    tokens_sealed    bytea,
    -- Whoever renews the tokens holds this; a second renewal would void the first.
    renewing_until   timestamptz,
    state            text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'ready', 'failing', 'paused', 'needs_sign_in')),
    protocol         text,
    server_name      text,
    server_version   text,
    checked_at       timestamptz,
    next_check_at    timestamptz NOT NULL,
    last_error       text,
    calls_per_minute int NOT NULL DEFAULT 60 CHECK (calls_per_minute BETWEEN 1 AND 6000),
    timeout_seconds  int NOT NULL DEFAULT 30 CHECK (timeout_seconds BETWEEN 1 AND 120),
    -- When the next call would be due if all came evenly (GCRA).
    due_at           timestamptz,
    -- The circuit breaker: failures one after the other, and until when it is not called.
    failures         int NOT NULL DEFAULT 0,
    open_until       timestamptz,
    created_at       timestamptz NOT NULL,
    CHECK ((transport = 'http') = (url IS NOT NULL)),
    CHECK ((transport = 'stdio') = (command IS NOT NULL))
);
SELECT tenant_table('connectors');
CREATE UNIQUE INDEX connectors_name_key ON connectors (company_id, name);
CREATE INDEX connectors_next_check_idx ON connectors (next_check_at) WHERE state NOT IN ('paused', 'needs_sign_in');

CREATE TABLE connector_tools (
    company_id    uuid,
    connector_id  uuid NOT NULL,
    -- As the server calls it.
    name          text NOT NULL,
    -- As agents call it, with the connector's name in front.
    call_name     text NOT NULL,
    title         text,
    description   text NOT NULL,
    input_schema  jsonb NOT NULL,
    -- Of description and schema: a permission is for exactly these.
    hash          text NOT NULL,
    permission    text NOT NULL DEFAULT 'off' CHECK (permission IN ('off', 'ask', 'allow')),
    state         text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'changed', 'known', 'gone')),
    -- What the server says of it; shown, never relied on.
    read_only     boolean,
    destructive   boolean,
    reviewed_by   text,
    reviewed_at   timestamptz,
    PRIMARY KEY (company_id, connector_id, name),
    UNIQUE (company_id, call_name),
    CHECK (permission = 'off' OR state = 'known'),
    FOREIGN KEY (company_id, connector_id) REFERENCES connectors (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('connector_tools');

CREATE TABLE connector_calls (
    id            uuid PRIMARY KEY,
    company_id    uuid,
    connector_id  uuid NOT NULL,
    tool          text NOT NULL,
    run_id        uuid,
    took_ms       bigint NOT NULL,
    error         text,
    created_at    timestamptz NOT NULL,
    FOREIGN KEY (company_id, connector_id) REFERENCES connectors (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, run_id) REFERENCES runs (company_id, id) ON DELETE SET NULL (run_id)
);
SELECT tenant_table('connector_calls');
CREATE INDEX connector_calls_idx ON connector_calls (company_id, connector_id, created_at DESC, id DESC);

-- Somebody signs in to the provider of a connector: at most one attempt at a time, for a quarter of an hour.
CREATE TABLE connector_sign_ins (
    id            uuid PRIMARY KEY,
    company_id    uuid,
    connector_id  uuid NOT NULL,
    user_id       uuid NOT NULL REFERENCES users (id),
    -- Of the word that comes back with the browser; it belongs to this attempt alone.
    state_hash    bytea UNIQUE,
    url           text,
    -- What the exchange needs: the client, the secret of the code, where the tokens come from.
    flow_sealed   bytea,
    answer_sealed bytea,
    error         text,
    expires_at    timestamptz NOT NULL,
    created_at    timestamptz NOT NULL,
    UNIQUE (company_id, connector_id),
    FOREIGN KEY (company_id, connector_id) REFERENCES connectors (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('connector_sign_ins');

-- Connectors whose tools are to be looked at again, or whose look was lost.
CREATE FUNCTION platform_waiting_connectors(now timestamptz) RETURNS TABLE (company_id uuid, connector_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT c.company_id, c.id FROM connectors c
    WHERE c.state NOT IN ('paused', 'needs_sign_in') AND c.next_check_at < now - interval '30 seconds'
    ORDER BY c.next_check_at LIMIT 500
$$;
-- The address that a provider sends the browser back to names no company; the word it brings does.
CREATE FUNCTION platform_connector_sign_in(state_hash bytea) RETURNS TABLE (slug text, user_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT p.slug, s.user_id FROM connector_sign_ins s JOIN companies p ON p.id = s.company_id
    WHERE s.state_hash = platform_connector_sign_in.state_hash
$$;
GRANT SELECT ON connectors, connector_sign_ins TO saleswright_platform;
CREATE POLICY across_companies ON connectors TO saleswright_platform USING (true) WITH CHECK (true);
CREATE POLICY across_companies ON connector_sign_ins TO saleswright_platform USING (true) WITH CHECK (true);
SELECT platform_function('platform_waiting_connectors(timestamptz)');
SELECT platform_function('platform_connector_sign_in(bytea)');
