-- Customers are qualified again, and what they have left was stopped; a note tells of it. Rules that name the status name
-- the other one, so that they can still be read. Of every company, which the forced policies forbid even the owner.
ALTER TABLE enrolments NO FORCE ROW LEVEL SECURITY;
ALTER TABLE leads NO FORCE ROW LEVEL SECURITY;
ALTER TABLE lead_events NO FORCE ROW LEVEL SECURITY;
ALTER TABLE campaigns NO FORCE ROW LEVEL SECURITY;
ALTER TABLE campaign_versions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE send_proofs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE workflows NO FORCE ROW LEVEL SECURITY;
ALTER TABLE workflow_firings NO FORCE ROW LEVEL SECURITY;
ALTER TABLE sending_domains NO FORCE ROW LEVEL SECURITY;
UPDATE enrolments SET state = 'stopped', end_reason = 'removed' WHERE state = 'converted';
UPDATE leads SET status = 'qualified' WHERE status = 'customer';
UPDATE leads SET last_activity = 'noted' WHERE last_activity = 'converted';
UPDATE lead_events SET kind = 'noted', text = 'Became a customer.' WHERE kind = 'converted';
-- Quotes within a text have a backslash before them, so only documents that mean the status match.
UPDATE campaigns
SET audience_filter = regexp_replace(audience_filter::text, '("status": \[[^]]*)"customer"', '\1"qualified"')::jsonb
WHERE audience_filter::text ~ '"status": \[[^]]*"customer"';
UPDATE campaign_versions SET steps = regexp_replace(steps::text, '("status": \[[^]]*)"customer"', '\1"qualified"', 'g')::jsonb
WHERE steps::text ~ '"status": \[[^]]*"customer"';
UPDATE workflows
SET trigger = regexp_replace(trigger::text, '("(from|to)": )"customer"', '\1"qualified"', 'g')::jsonb,
    conditions = regexp_replace(conditions::text, '("status": \[[^]]*)"customer"', '\1"qualified"')::jsonb,
    actions = replace(actions::text, '"status": "customer"', '"status": "qualified"')::jsonb
WHERE concat(trigger, conditions, actions) LIKE '%"customer"%';
UPDATE workflow_firings SET actions = replace(actions::text, '"status": "customer"', '"status": "qualified"')::jsonb
WHERE actions::text LIKE '%"status": "customer"%';
UPDATE send_proofs SET ledger = replace(ledger::text, '"state": "converted"', '"state": "stopped"')::jsonb
WHERE ledger::text LIKE '%"state": "converted"%';
-- Checks of domains find out more by then, too.
UPDATE sending_domains
SET records = (SELECT coalesce(jsonb_agg(r), '[]') FROM jsonb_array_elements(records) AS r
               WHERE r->>'kind' NOT IN ('ptr', 'blocklist', 'age')),
    failing = ARRAY(SELECT kind FROM unnest(failing) AS kind WHERE kind NOT IN ('ptr', 'blocklist', 'age'));
ALTER TABLE enrolments FORCE ROW LEVEL SECURITY;
ALTER TABLE leads FORCE ROW LEVEL SECURITY;
ALTER TABLE lead_events FORCE ROW LEVEL SECURITY;
ALTER TABLE campaigns FORCE ROW LEVEL SECURITY;
ALTER TABLE campaign_versions FORCE ROW LEVEL SECURITY;
ALTER TABLE send_proofs FORCE ROW LEVEL SECURITY;
ALTER TABLE workflows FORCE ROW LEVEL SECURITY;
ALTER TABLE workflow_firings FORCE ROW LEVEL SECURITY;
ALTER TABLE sending_domains FORCE ROW LEVEL SECURITY;

ALTER TABLE lead_events
    DROP CONSTRAINT lead_events_kind_check,
    ADD CONSTRAINT lead_events_kind_check
        CHECK (kind IN ('created', 'imported', 'edited', 'status_changed', 'owner_changed', 'tagged', 'noted', 'enrolled',
                        'sent', 'bounced', 'soft_bounced', 'unknown', 'replied', 'auto_replied', 'unsubscribed',
                        'suppressed', 'left', 'meeting_booked'));
ALTER TABLE enrolments
    DROP CONSTRAINT enrolments_state_check,
    ADD CONSTRAINT enrolments_state_check
        CHECK (state IN ('active', 'waiting_delay', 'waiting_window', 'waiting_task', 'waiting_event', 'paused',
                         'finished', 'replied', 'bounced', 'unsubscribed', 'suppressed', 'stopped', 'failed', 'skipped'));
ALTER TABLE leads
    DROP CONSTRAINT leads_status_check,
    ADD CONSTRAINT leads_status_check
        CHECK (status IN ('new', 'working', 'replied', 'qualified', 'nurture', 'lost'));
