-- Each e-mail of a mailbox may have a return path of its own, so that a report is known by whom it is to, even if it
-- quotes nothing. Not every provider takes such addresses, so it is switched on for one mailbox after another.
ALTER TABLE mailboxes ADD COLUMN own_return_paths boolean NOT NULL DEFAULT false;
ALTER TABLE inbound_messages
    DROP CONSTRAINT inbound_messages_matched_by_check,
    ADD CONSTRAINT inbound_messages_matched_by_check
        CHECK (matched_by IN ('return_path', 'message_id', 'thread', 'address', 'account'));
