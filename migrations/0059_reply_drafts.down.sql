ALTER TABLE reply_drafts DROP COLUMN run_id, DROP COLUMN send_at;
