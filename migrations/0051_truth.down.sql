DROP FUNCTION platform_unknown_messages(timestamptz, int);
DROP INDEX messages_unknown_idx;
ALTER TABLE messages
    DROP COLUMN final_at,
    DROP COLUMN resent_at,
    DROP COLUMN evidence_at,
    DROP COLUMN evidence,
    DROP COLUMN looked_at,
    DROP COLUMN unknown_at;
DROP TABLE send_proof_parts;
DROP TABLE send_proofs;
