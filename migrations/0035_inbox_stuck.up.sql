-- The mail at which reading an inbox has failed, how often in a row, and why the last time. A server that is away or
-- knows no such password stands in nobody's way and leaves this alone.
ALTER TABLE inboxes
    ADD COLUMN stuck_validity bigint,
    ADD COLUMN stuck_uid bigint,
    ADD COLUMN stuck_count int NOT NULL DEFAULT 0,
    ADD COLUMN stuck_why text;
