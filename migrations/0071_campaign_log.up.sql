-- The log of a campaign is read by kind, by step, by mailbox and by lead. Entries say which step and which mailbox they are
-- about; neither refers to anything, because an entry stays when a step is taken out.
ALTER TABLE campaign_events
    ADD COLUMN step_id uuid,
    ADD COLUMN mailbox_id uuid;
-- What is rare among many: complaints, agents that did not start.
CREATE INDEX campaign_events_kind_idx ON campaign_events (company_id, campaign_id, kind, at DESC, event_id DESC);

-- Each table that the log is read from has an index that ends with its order. These two take the place of shorter ones, so
-- an e-mail that leaves and an e-mail that is opened cost what they did.
DROP INDEX tracking_events_campaign_idx;
CREATE INDEX tracking_events_campaign_idx ON tracking_events (company_id, campaign_id, by, at DESC, event_id DESC);
DROP INDEX messages_step_idx;
CREATE INDEX messages_step_idx ON messages (company_id, campaign_id, step_id, sending_at) WHERE state = 'sent';
