-- Makes :more leads more that are enrolled in the one campaign, each with an e-mail that is due: after the model of those
-- that the product has placed itself. By the superuser, and without looking up foreign keys: this measures the claim, not
-- the way in.
\set ON_ERROR_STOP on
SET synchronous_commit = off;
SET session_replication_role = replica;
SELECT setseed(0.42);

CREATE TEMP TABLE model AS
SELECT m.company_id, m.campaign_id, m.step_id, m.position, m.plan_shift, m.window_ends_at, e.version_number, e.step_id AS at,
       e.step_begun, ARRAY(SELECT id FROM mailboxes ORDER BY address) AS mailboxes
FROM messages m JOIN enrolments e ON e.id = m.enrolment_id LIMIT 1;

CREATE TEMP TABLE made AS
SELECT gen_random_uuid() AS lead, gen_random_uuid() AS enrolment, gen_random_uuid() AS message, n,
       now() - random() * interval '2 hours' AS due_at
FROM generate_series(1, :more) n;

INSERT INTO leads (id, company_id, email, first_name, source, score, score_reasons, score_version, sort_name, search_text)
SELECT lead, company_id, 'due' || n || '@d' || n % 5000 || '.example', 'Ines', 'import', 0, '[]', 1, 'ines', ' ines '
FROM made, model;
INSERT INTO enrolments (id, company_id, campaign_id, lead_id, state, mailbox_id, version_number, step_id, step_begun)
SELECT enrolment, company_id, campaign_id, lead, 'active', mailboxes[1 + n % cardinality(mailboxes)], version_number, at, step_begun
FROM made, model;
INSERT INTO messages (id, company_id, campaign_id, enrolment_id, lead_id, step_id, position, mailbox_id, due_at,
                      window_ends_at, plan_shift)
SELECT message, company_id, campaign_id, enrolment, lead, step_id, position, mailboxes[1 + n % cardinality(mailboxes)], due_at,
       window_ends_at, plan_shift
FROM made, model;
UPDATE mailboxes SET next_send_at = now();
VACUUM ANALYZE leads, enrolments, messages;
