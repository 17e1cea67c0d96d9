ALTER TABLE campaigns DROP COLUMN guarded_from;
