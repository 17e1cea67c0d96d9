DROP INDEX messages_outcomes_idx;
ALTER TABLE campaigns DROP COLUMN guarded_from;
