DROP FUNCTION platform_waking_threads(timestamptz);
DROP TABLE thread_corrections;
ALTER TABLE inbound_messages DROP COLUMN thread_id, DROP COLUMN effects,
    DROP COLUMN attachments;
DROP TABLE threads;
