-- The ground every other table stands on: which company is asking, and what makes
-- a table belong to a company.

CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

GRANT USAGE ON SCHEMA public TO saleswright_app, saleswright_platform;
-- A function can only be given to a role that may create in its schema.
GRANT CREATE ON SCHEMA public TO saleswright_platform;

-- The company of this transaction. Raises when none is set, so that a forgotten
-- tenant is an error and never “all rows”.
CREATE FUNCTION current_company() RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    company text := nullif(current_setting('app.company_id', true), '');
BEGIN
    IF company IS NULL THEN
        RAISE EXCEPTION 'no company is set in this transaction' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN company::uuid;
END
$$;

CREATE TABLE companies (
    id              uuid PRIMARY KEY,
    name            text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    slug            text NOT NULL CONSTRAINT companies_slug_key UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$'),
    time_zone       text NOT NULL DEFAULT 'UTC',
    country         text CHECK (country ~ '^[A-Z]{2}$'),
    postal_address  text,
    created_at      timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE companies ENABLE ROW LEVEL SECURITY;
ALTER TABLE companies FORCE ROW LEVEL SECURITY;
CREATE POLICY company_itself ON companies TO saleswright_app
    USING (id = (SELECT current_company())) WITH CHECK (id = (SELECT current_company()));
GRANT SELECT, INSERT, UPDATE ON companies TO saleswright_app;

-- Makes a table belong to companies: a company_id that fills itself in, row-level
-- security that even the owner of the table cannot forget, and the key that
-- composite foreign keys point at (foreign-key checks bypass row-level security,
-- so a reference must name the company too).
CREATE FUNCTION tenant_table(name regclass) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ALTER company_id SET NOT NULL, ALTER company_id SET DEFAULT current_company()', name);
    EXECUTE format('ALTER TABLE %s ADD FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE', name);
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = name AND attname = 'id' AND NOT attisdropped) THEN
        EXECUTE format('ALTER TABLE %s ADD UNIQUE (company_id, id)', name);
    END IF;
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
        'CREATE POLICY of_its_company ON %s TO saleswright_app '
        'USING (company_id = (SELECT current_company())) '
        'WITH CHECK (company_id = (SELECT current_company()))', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO saleswright_app', name);
END
$$;
REVOKE EXECUTE ON FUNCTION tenant_table(regclass) FROM PUBLIC;
