DROP INDEX messages_step_idx;
CREATE INDEX messages_step_idx ON messages (company_id, campaign_id, step_id, variant) WHERE state = 'sent';
DROP INDEX tracking_events_campaign_idx;
CREATE INDEX tracking_events_campaign_idx ON tracking_events (company_id, campaign_id, by);
DROP INDEX campaign_events_kind_idx;
ALTER TABLE campaign_events
    DROP COLUMN mailbox_id,
    DROP COLUMN step_id;
