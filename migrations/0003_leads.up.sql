-- The people a company wants to reach and the firms they work for.

CREATE TABLE accounts (
    id          uuid PRIMARY KEY,
    company_id  uuid,
    name        text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    -- By which a name is found and sorted. Stored, because lower() is not leakproof and an index on
    -- an expression with it is not used under row-level security.
    name_key    text COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
    domain      text,
    industry    text,
    employees   int CHECK (employees >= 0),
    country     text CHECK (country ~ '^[A-Z]{2}$'),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    version     bigint NOT NULL DEFAULT 1
);
SELECT tenant_table('accounts');
CREATE UNIQUE INDEX accounts_name_key ON accounts (company_id, name_key);

CREATE TABLE leads (
    id                uuid PRIMARY KEY,
    company_id        uuid,
    email             text CHECK (email = lower(email)),
    first_name        text,
    last_name         text,
    title             text,
    account_id        uuid,
    phone             text,
    country           text CHECK (country ~ '^[A-Z]{2}$'),
    time_zone         text,
    status            text NOT NULL DEFAULT 'new'
                      CHECK (status IN ('new', 'working', 'replied', 'qualified', 'nurture', 'lost')),
    owner_id          uuid REFERENCES users (id) ON DELETE SET NULL,
    tags              text[] NOT NULL DEFAULT '{}',
    source            text NOT NULL CHECK (source IN ('manual', 'import', 'api')),
    lawful_basis      text,
    score             int NOT NULL CHECK (score BETWEEN 0 AND 100),
    score_reasons     jsonb NOT NULL,
    score_version     int NOT NULL,
    -- What the list sorts by, so that a page is one walk along an index. Letters are folded when
    -- it is written, so bytes are the right order in every database.
    sort_name         text COLLATE "C" NOT NULL,
    -- What the list searches: name, address, account and title, folded, a space before each word.
    -- Stored, because an index on an expression is not used under row-level security.
    search_text       text NOT NULL,
    -- Whether it is or was in a campaign. Kept here, because asking the enrolments of every lead on
    -- the way takes most of a second when a campaign took the best of a million.
    ever_enrolled     boolean NOT NULL DEFAULT false,
    last_activity     text,
    last_activity_at  timestamptz NOT NULL DEFAULT now(),
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    version           bigint NOT NULL DEFAULT 1,
    FOREIGN KEY (company_id, account_id) REFERENCES accounts (company_id, id) ON DELETE SET NULL (account_id)
);
SELECT tenant_table('leads');
CREATE UNIQUE INDEX leads_email_key ON leads (company_id, email) WHERE email IS NOT NULL;
CREATE INDEX leads_score_idx ON leads (company_id, score DESC, id DESC);
CREATE INDEX leads_created_idx ON leads (company_id, created_at DESC, id DESC);
CREATE INDEX leads_activity_idx ON leads (company_id, last_activity_at DESC, id DESC);
CREATE INDEX leads_name_idx ON leads (company_id, sort_name, id);
CREATE INDEX leads_status_idx ON leads (company_id, status, score DESC, id DESC);
CREATE INDEX leads_owner_idx ON leads (company_id, owner_id, score DESC, id DESC);
CREATE INDEX leads_account_idx ON leads (company_id, account_id, score DESC, id DESC);
CREATE INDEX leads_country_idx ON leads (company_id, country, score DESC, id DESC);
CREATE INDEX leads_source_idx ON leads (company_id, source, score DESC, id DESC);
CREATE INDEX leads_never_enrolled_idx ON leads (company_id, score DESC, id DESC) WHERE NOT ever_enrolled;
CREATE INDEX leads_search_idx ON leads USING gin (company_id, search_text gin_trgm_ops);
CREATE INDEX leads_tags_idx ON leads USING gin (company_id, tags);

-- The tags that were ever given, for pickers: gathering them from a million leads takes too long.
CREATE TABLE lead_tags (
    company_id  uuid,
    tag         text COLLATE "C" NOT NULL,
    PRIMARY KEY (company_id, tag)
);
SELECT tenant_table('lead_tags');

-- Finds leads by words and tags. LIKE and && are not leakproof, so under row-level security
-- Postgres may not hand them to the two indexes above and reads every lead of the company
-- instead. This function runs as a role that the policy lets through, tests the company itself
-- and gives nothing but ids: the one exception to “policies alone keep companies apart”. It takes
-- no company as an argument, and ids of leads are useless without the company they belong to.
-- The statement is built anew for each call, because the best way depends on how rare a word is.
CREATE FUNCTION search_leads(patterns text[], any_tag text[], most int) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE ROWS 5000
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    pattern text;
    conditions text := '';
BEGIN
    FOREACH pattern IN ARRAY patterns LOOP
        conditions := conditions || format(' AND search_text LIKE %L', pattern);
    END LOOP;
    IF cardinality(any_tag) > 0 THEN
        conditions := conditions || ' AND tags && $2';
    END IF;
    RETURN QUERY EXECUTE 'SELECT id FROM leads WHERE company_id = $1' || conditions || ' LIMIT $3'
        USING current_company(), any_tag, most;
END
$$;
GRANT SELECT (id, company_id, search_text, tags) ON leads TO saleswright_platform;
CREATE POLICY searched ON leads FOR SELECT TO saleswright_platform USING (true);
ALTER FUNCTION search_leads(text[], text[], int) OWNER TO saleswright_platform;
REVOKE EXECUTE ON FUNCTION search_leads(text[], text[], int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_leads(text[], text[], int) TO saleswright_app;

CREATE TABLE lead_notes (
    id          uuid PRIMARY KEY,
    company_id  uuid,
    lead_id     uuid NOT NULL,
    author_id   uuid REFERENCES users (id) ON DELETE SET NULL,
    author      text NOT NULL,
    body        text NOT NULL CHECK (char_length(body) BETWEEN 1 AND 10000),
    created_at  timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('lead_notes');
CREATE INDEX lead_notes_lead_idx ON lead_notes (company_id, lead_id, created_at DESC);

CREATE TABLE lead_events (
    id           uuid PRIMARY KEY,
    company_id   uuid,
    lead_id      uuid NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    kind         text NOT NULL CHECK (kind IN ('created', 'imported', 'edited', 'status_changed', 'owner_changed',
                 'tagged', 'noted', 'enrolled', 'sent', 'bounced', 'unknown', 'unsubscribed', 'suppressed', 'left')),
    actor        text NOT NULL,
    text         text,
    campaign_id  uuid,
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('lead_events');
CREATE INDEX lead_events_lead_idx ON lead_events (company_id, lead_id, at DESC, id DESC);

-- Addresses and domains that get no more e-mail. `target` is an address, or a domain without @.
CREATE TABLE suppressions (
    id          uuid PRIMARY KEY,
    company_id  uuid,
    target      text NOT NULL CHECK (target = lower(target)),
    reason      text NOT NULL CHECK (reason IN ('unsubscribed', 'bounced', 'complaint', 'manual', 'erased')),
    detail      text,
    created_at  timestamptz NOT NULL DEFAULT now()
);
SELECT tenant_table('suppressions');
CREATE UNIQUE INDEX suppressions_target_key ON suppressions (company_id, target);
CREATE INDEX suppressions_created_idx ON suppressions (company_id, created_at DESC, id DESC);

-- Whether an address, or everything at its domain, gets no more e-mail. One place, asked by
-- lists, checks, claims and the last look before a hand-over.
CREATE FUNCTION is_suppressed(address text) RETURNS boolean
    LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM suppressions
        WHERE company_id = (SELECT current_company())
          AND target IN (address, split_part(address, '@', 2))
    )
$$;
