DROP TABLE campaign_events, message_contents, messages, enrolments, campaign_audience, campaign_mailboxes,
    campaign_steps, campaigns;
