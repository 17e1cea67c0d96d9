-- Language models that a company has set up, in the order they are asked, and the webhook that its agents
-- may call. Keys and secrets are sealed.

CREATE TABLE models (
    id            uuid PRIMARY KEY,
    company_id    uuid,
    name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    kind          text NOT NULL CHECK (kind IN ('openai', 'anthropic', 'gemini', 'ollama')),
    -- Of an endpoint that speaks like the kind; the provider's own when absent.
    base_url      text,
    model         text NOT NULL,
    key_sealed    bytea,
    -- US dollars for a million tokens.
    price_in      float8 NOT NULL DEFAULT 0 CHECK (price_in >= 0),
    price_out     float8 NOT NULL DEFAULT 0 CHECK (price_out >= 0),
    place         int NOT NULL,
    enabled       boolean NOT NULL DEFAULT true,
    -- The circuit breaker: failures one after the other, and until when it is not asked.
    failures      int NOT NULL DEFAULT 0,
    open_until    timestamptz,
    last_error    text,
    worked_at     timestamptz,
    created_at    timestamptz NOT NULL
);
SELECT tenant_table('models');
CREATE UNIQUE INDEX models_name_key ON models (company_id, lower(name));

CREATE TABLE agent_webhooks (
    company_id     uuid PRIMARY KEY,
    id             uuid NOT NULL,
    url            text NOT NULL,
    secret_sealed  bytea NOT NULL,
    created_at     timestamptz NOT NULL
);
SELECT tenant_table('agent_webhooks');
