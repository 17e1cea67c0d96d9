DROP FUNCTION platform_claim_mailbox(timestamptz, uuid[]);
