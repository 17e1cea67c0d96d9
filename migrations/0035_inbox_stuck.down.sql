ALTER TABLE inboxes DROP COLUMN stuck_why, DROP COLUMN stuck_count, DROP COLUMN stuck_uid, DROP COLUMN stuck_validity;
