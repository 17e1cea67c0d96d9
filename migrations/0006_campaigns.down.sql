DROP FUNCTION campaign_hold(uuid, timestamptz);
DROP FUNCTION mailbox_used(uuid, timestamptz);
DROP TABLE test_mails, campaign_events, message_contents, messages, enrolments, campaign_audience, campaign_mailboxes,
    campaign_steps, campaigns;
