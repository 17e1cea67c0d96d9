DROP FUNCTION platform_sweep_conversations(timestamptz);
ALTER TABLE runs DROP COLUMN conversation_id;
DROP TABLE conversations;
