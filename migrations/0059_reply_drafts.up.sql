-- What is kept of a reply that somebody writes: also when it is to leave, the run of the agent that drafts it for them,
-- and what that run has written, until they have seen it beside their own words.
ALTER TABLE reply_drafts
    ADD COLUMN send_at timestamptz,
    ADD COLUMN run_id  uuid,
    ADD COLUMN arrived text,
    ADD CONSTRAINT reply_drafts_run_fkey FOREIGN KEY (company_id, run_id)
        REFERENCES runs (company_id, id) ON DELETE SET NULL (run_id);
CREATE INDEX reply_drafts_run_idx ON reply_drafts (company_id, run_id) WHERE run_id IS NOT NULL;
