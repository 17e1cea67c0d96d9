-- An unknown e-mail whose campaign is paused has had no second try yet: it is given up only when the campaign runs again
-- and does not want one, or has ended.
DROP FUNCTION platform_unknown_messages(timestamptz, int);

-- Unknown messages that are to be sent again or to be left alone for good.
CREATE FUNCTION platform_unknown_messages(now timestamptz, most int)
    RETURNS TABLE (company_id uuid, message_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT m.company_id, m.id FROM messages m
    WHERE m.state = 'unknown' AND m.final_at IS NULL
      AND (coalesce(m.unknown_at, m.updated_at) <= now - interval '72 hours'
              AND NOT (m.resent_at IS NULL
                       AND EXISTS (SELECT FROM campaigns c WHERE c.company_id = m.company_id AND c.id = m.campaign_id
                                     AND c.state IN ('pausing', 'paused') AND c.rules ->> 'on_unknown' = 'resend'))
           OR m.resent_at IS NULL AND coalesce(m.unknown_at, m.updated_at) <= now - interval '24 hours'
              AND EXISTS (SELECT FROM campaigns c WHERE c.company_id = m.company_id AND c.id = m.campaign_id
                            AND c.state = 'running' AND c.rules ->> 'on_unknown' = 'resend'))
    ORDER BY m.updated_at LIMIT most
$$;
SELECT platform_function('platform_unknown_messages(timestamptz, int)');
