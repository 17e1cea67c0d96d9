DROP FUNCTION platform_sweep_workflow_firings(timestamptz);
DROP FUNCTION platform_waiting_workflows(timestamptz);
ALTER TABLE lead_events DROP COLUMN workflow_id;
-- Runs of workflows are those of something that happened.
ALTER TABLE runs NO FORCE ROW LEVEL SECURITY;
UPDATE runs SET origin = 'trigger' WHERE origin = 'workflow';
ALTER TABLE runs FORCE ROW LEVEL SECURITY;
ALTER TABLE runs
    DROP COLUMN behind_workflows,
    DROP CONSTRAINT runs_origin_check,
    ADD CONSTRAINT runs_origin_check
        CHECK (origin IN ('person', 'key', 'schedule', 'trigger', 'agent', 'campaign', 'system'));
ALTER TABLE step_webhooks NO FORCE ROW LEVEL SECURITY;
DELETE FROM step_webhooks WHERE firing_id IS NOT NULL;
ALTER TABLE step_webhooks FORCE ROW LEVEL SECURITY;
ALTER TABLE step_webhooks
    DROP CONSTRAINT step_webhooks_source_check,
    DROP COLUMN firing_id,
    ALTER COLUMN enrolment_id SET NOT NULL,
    ALTER COLUMN step_id SET NOT NULL;
DROP TABLE workflow_leads;
DROP TABLE workflow_firings;
DROP TABLE workflows;
