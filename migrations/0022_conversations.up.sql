-- Conversations with agents. Each message of a person is a run: what the person said is its task, and what the
-- agent said its answer.

CREATE TABLE conversations (
    id          uuid PRIMARY KEY,
    company_id  uuid,
    agent_id    uuid NOT NULL,
    title       text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL,
    -- When the last message came.
    updated_at  timestamptz NOT NULL,
    FOREIGN KEY (company_id, agent_id) REFERENCES agents (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('conversations');
CREATE INDEX conversations_updated_idx ON conversations (company_id, updated_at DESC, id DESC);
CREATE INDEX conversations_agent_idx ON conversations (company_id, agent_id, updated_at DESC, id DESC);
CREATE INDEX conversations_old_idx ON conversations (updated_at);

-- A conversation that is deleted takes its messages with it.
ALTER TABLE runs ADD COLUMN conversation_id uuid;
ALTER TABLE runs ADD FOREIGN KEY (company_id, conversation_id) REFERENCES conversations (company_id, id) ON DELETE CASCADE;
CREATE INDEX runs_conversation_idx ON runs (company_id, conversation_id, created_at) WHERE conversation_id IS NOT NULL;
-- An agent answers one message after the other.
CREATE UNIQUE INDEX runs_conversation_open_key ON runs (company_id, conversation_id)
    WHERE conversation_id IS NOT NULL AND finished_at IS NULL;

-- Housekeeping: conversations in which nobody has said anything for a year.
CREATE FUNCTION platform_sweep_conversations(now timestamptz) RETURNS void
    LANGUAGE sql VOLATILE
AS $$
    DELETE FROM conversations WHERE updated_at < now - interval '1 year';
$$;
GRANT SELECT, DELETE ON conversations TO saleswright_platform;
CREATE POLICY across_companies ON conversations TO saleswright_platform USING (true) WITH CHECK (true);
SELECT platform_function('platform_sweep_conversations(timestamptz)');
