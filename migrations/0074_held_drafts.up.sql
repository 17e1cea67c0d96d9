-- A draft that was approved while its lead was paused did not reach its e-mail, and one that a new version of the steps
-- asked for meanwhile was not ordered: such e-mails would wait for ever. Of every company, which the forced policies
-- forbid even the owner.
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE drafts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE draft_orders NO FORCE ROW LEVEL SECURITY;
ALTER TABLE mailboxes NO FORCE ROW LEVEL SECURITY;
WITH given AS (
    UPDATE messages m SET waits_for_draft = false, draft_id = d.id
    FROM drafts d
    WHERE d.company_id = m.company_id AND d.message_id = m.id AND d.state = 'approved'
      AND m.state IN ('scheduled', 'held') AND m.waits_for_draft
    RETURNING m.company_id, m.mailbox_id, m.due_at
), due AS (
    SELECT company_id, mailbox_id, min(due_at) AS at FROM given GROUP BY company_id, mailbox_id
)
-- Their mailboxes may sleep.
UPDATE mailboxes b SET next_send_at = greatest(b.not_before, due.at)
FROM due
WHERE b.company_id = due.company_id AND b.id = due.mailbox_id
  AND (b.next_send_at IS NULL OR b.next_send_at > due.at);
INSERT INTO draft_orders (company_id, message_id, write_at)
SELECT m.company_id, m.id, m.due_at - interval '1 day'
FROM messages m
WHERE m.state IN ('scheduled', 'held') AND m.waits_for_draft
  AND NOT EXISTS (SELECT FROM drafts d WHERE d.company_id = m.company_id AND d.message_id = m.id
                    AND d.state IN ('open', 'approved', 'used', 'rejected'))
ON CONFLICT DO NOTHING;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
ALTER TABLE drafts FORCE ROW LEVEL SECURITY;
ALTER TABLE draft_orders FORCE ROW LEVEL SECURITY;
ALTER TABLE mailboxes FORCE ROW LEVEL SECURITY;
