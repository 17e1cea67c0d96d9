-- Documents: facts of any shape that a company keeps beside its leads and texts. A document is known by its
-- collection and key; every change of it is a version.

CREATE TABLE documents (
    id          uuid PRIMARY KEY,
    company_id  uuid,
    collection  text COLLATE "C" NOT NULL CHECK (collection ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    key         text COLLATE "C" NOT NULL CHECK (char_length(key) BETWEEN 1 AND 200),
    title       text NOT NULL CHECK (char_length(title) <= 200),
    body        jsonb NOT NULL CHECK (jsonb_typeof(body) = 'object'),
    -- Somebody outside could have written it: data for agents, never instructions.
    outside     boolean NOT NULL,
    lead_id     uuid,
    account_id  uuid,
    author      text NOT NULL,
    version     int NOT NULL CHECK (version > 0),
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);
SELECT tenant_table('documents');
ALTER TABLE documents
    ADD CONSTRAINT documents_key UNIQUE (company_id, collection, key),
    ADD FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE SET NULL (lead_id),
    ADD FOREIGN KEY (company_id, account_id) REFERENCES accounts (company_id, id) ON DELETE SET NULL (account_id);
CREATE INDEX documents_updated_idx ON documents (company_id, updated_at DESC, id DESC);
CREATE INDEX documents_collection_idx ON documents (company_id, collection, updated_at DESC, id DESC);
CREATE INDEX documents_lead_idx ON documents (company_id, lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX documents_account_idx ON documents (company_id, account_id) WHERE account_id IS NOT NULL;
CREATE INDEX documents_body_idx ON documents USING gin (company_id, body jsonb_path_ops);

CREATE TABLE document_versions (
    company_id   uuid,
    document_id  uuid NOT NULL,
    version      int NOT NULL CHECK (version > 0),
    title        text NOT NULL,
    body         jsonb NOT NULL,
    author       text NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (company_id, document_id, version),
    FOREIGN KEY (company_id, document_id) REFERENCES documents (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('document_versions');

-- Documents that contain a value. @> is not leakproof, so under row-level security Postgres may not hand it to
-- the index and reads every document of the company instead; this function tests the company itself and gives
-- nothing but ids, as `search_leads` does.
CREATE FUNCTION search_documents(part jsonb, most int) RETURNS SETOF uuid
    LANGUAGE sql STABLE ROWS 1000
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$ SELECT id FROM documents WHERE company_id = current_company() AND body @> part LIMIT most $$;
GRANT SELECT (id, company_id, body) ON documents TO saleswright_platform;
CREATE POLICY searched ON documents FOR SELECT TO saleswright_platform USING (true);
ALTER FUNCTION search_documents(jsonb, int) OWNER TO saleswright_platform;
REVOKE EXECUTE ON FUNCTION search_documents(jsonb, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_documents(jsonb, int) TO saleswright_app;
