-- Of every company, which the forced policies forbid even the owner.
ALTER TABLE inboxes NO FORCE ROW LEVEL SECURITY;
ALTER TABLE inbox_folders NO FORCE ROW LEVEL SECURITY;
UPDATE inboxes i SET uid_validity = f.uid_validity, last_uid = f.last_uid, stuck_validity = f.stuck_validity,
    stuck_uid = f.stuck_uid, stuck_count = f.stuck_count, stuck_why = f.stuck_why
FROM inbox_folders f
WHERE f.company_id = i.company_id AND f.mailbox_id = i.mailbox_id AND f.folder = 'inbox';
ALTER TABLE inboxes FORCE ROW LEVEL SECURITY;
DROP TABLE inbox_folders;
