ALTER TABLE runs DROP COLUMN model_id, DROP COLUMN built_in, DROP COLUMN dry_run;
