-- Guards: what came of the e-mails of a campaign is counted from here on. A person sets it by resuming a campaign that
-- the system has paused.
ALTER TABLE campaigns ADD COLUMN guarded_from timestamptz;
CREATE INDEX messages_outcomes_idx ON messages (company_id, campaign_id, sending_at) WHERE sending_at IS NOT NULL;
