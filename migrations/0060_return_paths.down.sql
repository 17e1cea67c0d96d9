ALTER TABLE inbound_messages NO FORCE ROW LEVEL SECURITY;
UPDATE inbound_messages SET matched_by = 'message_id' WHERE matched_by = 'return_path';
ALTER TABLE inbound_messages FORCE ROW LEVEL SECURITY;
ALTER TABLE inbound_messages
    DROP CONSTRAINT inbound_messages_matched_by_check,
    ADD CONSTRAINT inbound_messages_matched_by_check CHECK (matched_by IN ('message_id', 'thread', 'address', 'account'));
ALTER TABLE mailboxes DROP COLUMN own_return_paths;
