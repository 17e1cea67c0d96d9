-- Decisions about drafts can be taken back for some seconds: nothing that follows from one happens sooner. And a
-- draft that somebody has open is theirs to decide about.

ALTER TABLE drafts
    -- Why it was rejected, or another one was asked for.
    ADD COLUMN reason          text,
    ADD COLUMN rejection       text CHECK (rejection IN ('leave_campaign', 'skip_step')),
    -- When its rejection is carried out; empty when that is done.
    ADD COLUMN takes_effect_at timestamptz,
    ADD COLUMN edited_by       text,
    -- Who has it open. It is over in minutes and asked for by time, so it outlives nobody that matters.
    ADD COLUMN held_by         uuid,
    ADD COLUMN held_name       text,
    ADD COLUMN held_until      timestamptz,
    ADD CONSTRAINT drafts_effect_check CHECK (takes_effect_at IS NULL OR state = 'rejected');
CREATE INDEX drafts_effect_idx ON drafts (takes_effect_at) WHERE takes_effect_at IS NOT NULL;
CREATE INDEX drafts_held_idx ON drafts (company_id, held_by) WHERE held_by IS NOT NULL;

-- Rejections that are due to be carried out although nobody does.
CREATE FUNCTION platform_due_rejections(now timestamptz) RETURNS TABLE (company_id uuid, draft_id uuid)
    LANGUAGE sql STABLE
AS $$ SELECT d.company_id, d.id FROM drafts d WHERE d.takes_effect_at <= now ORDER BY d.takes_effect_at LIMIT 500 $$;
GRANT SELECT (company_id, id, takes_effect_at) ON drafts TO saleswright_platform;
CREATE POLICY across_companies ON drafts FOR SELECT TO saleswright_platform USING (true);
SELECT platform_function('platform_due_rejections(timestamptz)');
