-- One company with :leads leads and one with 500, made by the superuser: this measures reading,
-- not the way in. What code derives from the fields (sort name, search words) is derived here the
-- same way; the words are plain ASCII, so folding changes nothing.
\set ON_ERROR_STOP on
SET synchronous_commit = off;
SELECT setseed(0.42);

INSERT INTO companies (id, name, slug) VALUES
    ('00000000-0000-0000-0000-00000000000a', 'Large', 'large'),
    ('00000000-0000-0000-0000-00000000000b', 'Small', 'small');
INSERT INTO users (id, email, name, password_hash)
SELECT ('00000000-0000-0000-0001-' || lpad(n::text, 12, '0'))::uuid, 'person' || n || '@large.example', 'Person ' || n, '-'
FROM generate_series(1, 10) n;
INSERT INTO memberships (company_id, user_id, role)
SELECT '00000000-0000-0000-0000-00000000000a', id, 'member' FROM users;

INSERT INTO accounts (id, company_id, name, employees)
SELECT gen_random_uuid(), '00000000-0000-0000-0000-00000000000a',
       (ARRAY['Corvus', 'Halden', 'Meridian', 'Northgate', 'Optik', 'Pinecrest', 'Quarz', 'Rheintal', 'Solaris', 'Tandem'])[1 + n % 10]
       || ' ' || (ARRAY['Labs', 'Systems', 'Works', 'Group', 'Energy', 'Foods', 'Logistics', 'Health'])[1 + n / 10 % 8] || ' ' || n,
       10 + n % 2000
FROM generate_series(1, 20000) n;

CREATE TEMP TABLE firms AS
SELECT id, lower(name) AS name, row_number() OVER (ORDER BY name_key) - 1 AS n FROM accounts;
CREATE INDEX ON firms (n);

-- Status, source and country are skewed as they are in life: most leads are new, imported and
-- from a handful of countries. Tags: one in two hundred thousand has 'unicorn', one in three 'newsletter'.
CREATE FUNCTION pg_temp.fill(company uuid, leads int) RETURNS void LANGUAGE sql AS $$
INSERT INTO leads (id, company_id, email, first_name, last_name, title, account_id, country, status, owner_id, tags, source,
                   score, score_reasons, score_version, sort_name, search_text, last_activity_at, created_at)
SELECT gen_random_uuid(), company, email, initcap(first), initcap(last), title,
       CASE WHEN company = '00000000-0000-0000-0000-00000000000a' THEN f.id END,
       country, status, owner, tags, source, score, '[]', 1, first || ' ' || last,
       ' ' || first || ' ' || last || ' ' || email || ' ' || f.name || ' ' || lower(title), activity, created
FROM (
    SELECT n, first, last, first || '.' || last || n || '@' || (ARRAY['corvus', 'halden', 'quarz', 'optik'])[1 + n % 4] || '.example' AS email,
           (ARRAY['CEO', 'Head of Operations', 'Lab Manager', 'Engineer', 'Buyer', 'VP Sales', 'Analyst'])[1 + n % 7] AS title,
           CASE WHEN n % 5000 = 0 THEN 'IS' WHEN n % 100 = 1 THEN 'CH'
                ELSE (ARRAY['DE', 'US', 'FR', 'GB'])[1 + (r1 * 4)::int % 4] END AS country,
           CASE WHEN n % 2000 = 7 THEN 'qualified' WHEN n % 50 = 3 THEN 'replied' WHEN r2 < 0.2 THEN 'working' ELSE 'new' END AS status,
           CASE WHEN n % 3 = 0 THEN NULL ELSE ('00000000-0000-0000-0001-' || lpad((1 + n % 10)::text, 12, '0'))::uuid END AS owner,
           CASE WHEN n % 200000 = 11 THEN ARRAY['newsletter', 'unicorn'] WHEN n % 3 = 0 THEN ARRAY['newsletter']
                WHEN n % 1000 = 5 THEN ARRAY['fair'] ELSE '{}' END AS tags,
           CASE WHEN n % 10000 = 9 THEN 'manual' ELSE 'import' END AS source,
           (100 * power(r3, 1.7))::int AS score,
           timestamptz '2026-01-01' + r4 * interval '320 days' AS activity,
           timestamptz '2025-01-01' + n * interval '30 seconds' AS created
    FROM (
        SELECT n, random() AS r1, random() AS r2, random() AS r3, random() AS r4,
               (ARRAY['ines', 'jonas', 'nora', 'lukas', 'amelie', 'pavel', 'sofia', 'hannes', 'clara', 'oskar', 'greta', 'milan',
                      'ylva', 'bruno', 'delia', 'edgar'])[1 + (random() * 16)::int % 16] AS first,
               (ARRAY['al', 'ber', 'cor', 'den', 'fal', 'gru', 'hol', 'kra', 'lind', 'mer'])[1 + (random() * 10)::int % 10]
               || (ARRAY['brecht', 'ger', 'vin', 'mann', 'ken', 'stein', 'quist', 'dahl', 'hoff', 'wald'])[1 + (random() * 10)::int % 10] AS last
        FROM generate_series(1, leads) n
    ) picks
) rows JOIN firms f ON f.n = rows.n % 20000
$$;
SELECT pg_temp.fill('00000000-0000-0000-0000-00000000000a', :leads);
SELECT pg_temp.fill('00000000-0000-0000-0000-00000000000b', 500);
-- The one needle in the haystack.
UPDATE leads SET first_name = 'Xanthe', sort_name = 'xanthe zephyrine', search_text = ' xanthe zephyrine' || search_text
WHERE id = (SELECT id FROM leads WHERE company_id = '00000000-0000-0000-0000-00000000000a' ORDER BY created_at OFFSET :leads / 2 LIMIT 1);

INSERT INTO campaigns (id, company_id, name, state) VALUES
    ('00000000-0000-0000-0002-000000000001', '00000000-0000-0000-0000-00000000000a', 'Wide', 'running'),
    ('00000000-0000-0000-0002-000000000002', '00000000-0000-0000-0000-00000000000a', 'Narrow', 'running');
INSERT INTO enrolments (id, company_id, campaign_id, lead_id, state)
SELECT gen_random_uuid(), company_id, '00000000-0000-0000-0002-000000000001', id, 'finished'
FROM leads WHERE company_id = '00000000-0000-0000-0000-00000000000a' AND score >= 70;
INSERT INTO enrolments (id, company_id, campaign_id, lead_id, state)
SELECT gen_random_uuid(), company_id, '00000000-0000-0000-0002-000000000002', id, 'finished'
FROM leads WHERE company_id = '00000000-0000-0000-0000-00000000000a' AND country = 'IS';
UPDATE leads l SET ever_enrolled = true WHERE EXISTS (SELECT FROM enrolments e WHERE e.lead_id = l.id);
INSERT INTO suppressions (id, company_id, target, reason)
SELECT gen_random_uuid(), company_id, email, 'manual' FROM leads WHERE company_id = '00000000-0000-0000-0000-00000000000a' AND status = 'qualified';
VACUUM (ANALYZE);
