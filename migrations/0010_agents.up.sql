-- Agents: who does what in a run. An agent is its definition, a Markdown file, and every version of it is
-- kept as it was written; what lists ask for stands beside it.

CREATE TABLE agents (
    id              uuid PRIMARY KEY,
    company_id      uuid,
    name            text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    name_key        text COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
    team            text NOT NULL CHECK (team IN ('marketing', 'testing', 'user_stories', 'engineering', 'own')),
    description     text NOT NULL,
    tools           text[] NOT NULL,
    enabled         boolean NOT NULL DEFAULT true,
    origin          text NOT NULL CHECK (origin IN ('catalogue', 'written', 'imported')),
    -- Its name in the catalogue of the product. It stays when the agent is renamed or deleted here, so
    -- that the next version of the catalogue does not bring it back.
    catalogue_name  text,
    -- Somebody of the company has changed the definition: it no longer follows the catalogue.
    edited          boolean NOT NULL DEFAULT false,
    version         int NOT NULL DEFAULT 1,
    deleted_at      timestamptz,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
SELECT tenant_table('agents');
CREATE UNIQUE INDEX agents_name_key ON agents (company_id, name_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX agents_catalogue_key ON agents (company_id, catalogue_name) WHERE catalogue_name IS NOT NULL;

CREATE TABLE agent_versions (
    company_id  uuid,
    agent_id    uuid NOT NULL,
    version     int NOT NULL CHECK (version > 0),
    definition  text NOT NULL,
    note        text NOT NULL,
    author      text NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (company_id, agent_id, version),
    FOREIGN KEY (company_id, agent_id) REFERENCES agents (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('agent_versions');

-- Which catalogue the company has: a hash over all of its files.
ALTER TABLE companies ADD COLUMN catalogue text;

-- After an update of the product, the companies that still have the catalogue of before.
CREATE FUNCTION platform_companies_behind(newest text) RETURNS TABLE (company_id uuid)
    LANGUAGE sql STABLE
AS $$ SELECT c.id FROM companies c WHERE c.catalogue IS DISTINCT FROM newest LIMIT 100 $$;
SELECT platform_function('platform_companies_behind(text)');
