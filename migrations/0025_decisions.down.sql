DROP FUNCTION platform_due_rejections(timestamptz);
DROP POLICY across_companies ON drafts;
REVOKE SELECT (company_id, id, takes_effect_at) ON drafts FROM saleswright_platform;
DROP INDEX drafts_held_idx;
DROP INDEX drafts_effect_idx;
ALTER TABLE drafts
    DROP COLUMN reason, DROP COLUMN rejection, DROP COLUMN takes_effect_at, DROP COLUMN edited_by,
    DROP COLUMN held_by, DROP COLUMN held_name, DROP COLUMN held_until;
