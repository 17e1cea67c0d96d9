-- The domains of mailboxes: what the DNS says about them, and the keys that sign their e-mails (RFC 6376).
CREATE TABLE sending_domains (
    id             uuid PRIMARY KEY,
    company_id     uuid,
    name           text NOT NULL CHECK (name = lower(name)),
    -- The public key is found at {selector}._domainkey.{name}.
    selector       text,
    -- PKCS #8, encrypted with the key of the company; absent where the provider of the mailbox signs.
    key_sealed     bytea,
    public_key     text,
    -- When the record of the key was first seen. Until then the key before it goes on signing, so that nothing
    -- leaves with a signature that nobody can check.
    key_seen_at    timestamptz,
    old_selector   text,
    old_key_sealed bytea,
    -- What the last check found, as the domain judges it.
    records        jsonb NOT NULL DEFAULT '[]',
    checked_at     timestamptz,
    error          text,
    failures       int NOT NULL DEFAULT 0,
    next_check_at  timestamptz NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    version        bigint NOT NULL DEFAULT 1,
    CHECK ((key_sealed IS NULL) = (public_key IS NULL)),
    CHECK (key_sealed IS NULL OR selector IS NOT NULL),
    CHECK ((old_key_sealed IS NULL) = (old_selector IS NULL))
);
SELECT tenant_table('sending_domains');
CREATE UNIQUE INDEX sending_domains_name_key ON sending_domains (company_id, name);
CREATE INDEX sending_domains_next_idx ON sending_domains (next_check_at);

-- The domains of the mailboxes that there are, of every company, which the forced policies forbid even the owner.
ALTER TABLE mailboxes NO FORCE ROW LEVEL SECURITY;
ALTER TABLE sending_domains NO FORCE ROW LEVEL SECURITY;
INSERT INTO sending_domains (id, company_id, name, next_check_at)
SELECT gen_random_uuid(), company_id, split_part(address, '@', 2), now()
FROM mailboxes WHERE kind = 'smtp'
GROUP BY company_id, split_part(address, '@', 2);
ALTER TABLE sending_domains FORCE ROW LEVEL SECURITY;
ALTER TABLE mailboxes FORCE ROW LEVEL SECURITY;

-- Domains that are due to be checked: each day, and when a wake-up was lost. A worker looks after all companies.
CREATE FUNCTION platform_due_domains(now timestamptz) RETURNS TABLE (company_id uuid, domain_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT d.company_id, d.id FROM sending_domains d WHERE d.next_check_at <= now ORDER BY d.next_check_at LIMIT 500
$$;
GRANT SELECT ON sending_domains TO saleswright_platform;
CREATE POLICY across_companies ON sending_domains TO saleswright_platform USING (true) WITH CHECK (true);
SELECT platform_function('platform_due_domains(timestamptz)');
