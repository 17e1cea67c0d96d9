DROP FUNCTION platform_sweep_firings(timestamptz);
DROP FUNCTION platform_trigger_company(uuid);
DROP FUNCTION platform_waiting_triggers(timestamptz);
DROP FUNCTION platform_next_trigger_at();
DROP FUNCTION platform_claim_trigger(timestamptz, uuid[]);
ALTER TABLE runs DROP COLUMN trigger_id, DROP COLUMN depth, DROP COLUMN payload;
DROP TABLE trigger_firings;
DROP TABLE triggers;
