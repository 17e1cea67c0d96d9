-- A reply that the provider has sorted into its folder of junk mail (RFC 6154, \Junk) is a reply all the same, so more
-- than the INBOX is read. Each folder has uids of its own, and its own mail at which reading may fail.
CREATE TABLE inbox_folders (
    company_id      uuid,
    mailbox_id      uuid NOT NULL,
    folder          text NOT NULL CHECK (folder IN ('inbox', 'junk')),
    -- Uids count within a validity (RFC 9051, 2.3.1.1); mails up to `last_uid` are stored, or are none of ours.
    uid_validity    bigint,
    last_uid        bigint NOT NULL DEFAULT 0,
    -- The mail at which reading has failed, how often in a row, and why the last time.
    stuck_validity  bigint,
    stuck_uid       bigint,
    stuck_count     int NOT NULL DEFAULT 0,
    stuck_why       text,
    PRIMARY KEY (company_id, mailbox_id, folder),
    FOREIGN KEY (company_id, mailbox_id) REFERENCES inboxes (company_id, mailbox_id) ON DELETE CASCADE
);
SELECT tenant_table('inbox_folders');

-- Of every company, which the forced policies forbid even the owner. The columns of `inboxes` stay for workers of the
-- release before, which read until they are replaced; what both have read is known by its uid.
ALTER TABLE inboxes NO FORCE ROW LEVEL SECURITY;
ALTER TABLE inbox_folders NO FORCE ROW LEVEL SECURITY;
INSERT INTO inbox_folders (company_id, mailbox_id, folder, uid_validity, last_uid, stuck_validity, stuck_uid, stuck_count,
                           stuck_why)
SELECT company_id, mailbox_id, 'inbox', uid_validity, last_uid, stuck_validity, stuck_uid, stuck_count, stuck_why
FROM inboxes;
ALTER TABLE inbox_folders FORCE ROW LEVEL SECURITY;
ALTER TABLE inboxes FORCE ROW LEVEL SECURITY;
