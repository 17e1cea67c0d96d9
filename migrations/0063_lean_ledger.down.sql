CREATE INDEX enrolments_open_idx ON enrolments (company_id, campaign_id) WHERE is_open;
CREATE INDEX messages_recipient_claimed_idx ON messages (company_id, recipient_group) WHERE state = 'claimed';
CREATE INDEX messages_enrolment_idx ON messages (company_id, enrolment_id, created_at);
ALTER TABLE mailboxes DROP COLUMN used_at_most;
