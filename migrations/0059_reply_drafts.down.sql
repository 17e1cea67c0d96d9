ALTER TABLE reply_drafts DROP COLUMN arrived, DROP COLUMN run_id, DROP COLUMN send_at;
