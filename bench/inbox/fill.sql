-- One company with :threads threads in two mailboxes and one with 100, made by the superuser: this measures reading,
-- not the way in. As in life nearly everything is done, and few threads are snoozed or unread.
\set ON_ERROR_STOP on
SET synchronous_commit = off;
SELECT setseed(0.42);

INSERT INTO companies (id, name, slug) VALUES
    ('00000000-0000-0000-0000-00000000000a', 'Large', 'large'),
    ('00000000-0000-0000-0000-00000000000b', 'Small', 'small');
INSERT INTO users (id, email, name, password_hash)
SELECT ('00000000-0000-0000-0001-' || lpad(n::text, 12, '0'))::uuid, 'person' || n || '@large.example', 'Person ' || n, '-'
FROM generate_series(1, 10) n;
INSERT INTO mailboxes (id, company_id, kind, from_name, address, host, port, security, daily_cap, gap_seconds)
SELECT ('00000000-0000-0000-000' || n || '-00000000000' || c)::uuid, ('00000000-0000-0000-0000-00000000000' || c)::uuid, 'sandbox',
       'Nora', 'nora' || n || '@' || c || '.example', 'localhost', 25, 'none', 100, 60
FROM generate_series(2, 3) n, (VALUES ('a'), ('b')) company (c);
INSERT INTO campaigns (id, company_id, name)
SELECT ('00000000-0000-0000-0009-' || lpad(n::text, 12, '0'))::uuid, '00000000-0000-0000-0000-00000000000a', 'Campaign ' || n
FROM generate_series(1, 20) n;

CREATE FUNCTION pg_temp.fill(company text, threads int) RETURNS void LANGUAGE sql AS $$
INSERT INTO threads (id, company_id, mailbox_id, who, campaign_id, from_name, from_address, subject, snippet, state,
                     snoozed_until, assignee_id, unread, last_at, class, class_why, class_confidence, classified_by)
SELECT gen_random_uuid(), ('00000000-0000-0000-0000-00000000000' || company)::uuid,
       ('00000000-0000-0000-000' || 2 + n % 2 || '-00000000000' || company)::uuid, 'from:p' || n || '@x.example',
       CASE WHEN company = 'a' AND n % 4 > 0
            THEN ('00000000-0000-0000-0009-' || lpad((1 + n % 20)::text, 12, '0'))::uuid END,
       'Person ' || n, 'p' || n || '@x.example', 'Re: Drift', 'Thank you, this comes at the right time.', s.state,
       CASE s.state WHEN 'snoozed' THEN now() + interval '1 day' END,
       CASE WHEN n % 3 = 0 THEN ('00000000-0000-0000-0001-' || lpad((1 + n % 10)::text, 12, '0'))::uuid END,
       s.state = 'needs_answer' AND n % 2 = 0, now() - make_interval(secs => random() * 60 * 60 * 24 * 365),
       (ARRAY['other', 'other', 'out_of_office', 'other', 'question', 'not_now', 'interested', 'out_of_office'])[1 + n % 8],
       'Says so.', 'likely', 'rule'
FROM generate_series(1, threads) n
CROSS JOIN LATERAL (SELECT CASE WHEN n % 5000 = 1 THEN 'needs_answer' WHEN n % 20000 = 2 THEN 'snoozed' ELSE 'done' END) s (state)
$$;
SELECT pg_temp.fill('a', :threads);
SELECT pg_temp.fill('b', 100);
VACUUM ANALYZE;
