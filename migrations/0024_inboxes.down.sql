DROP FUNCTION platform_claim_inbox(timestamptz, uuid, timestamptz);
DROP INDEX inbound_messages_id_idx;
DROP TABLE inboxes;
