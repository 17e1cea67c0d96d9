-- What a year of sending makes large: lists of a campaign, its log, and the questions the reconciler asks.

-- A lead that is deleted is looked for in everything that names it.
CREATE INDEX campaign_events_lead_idx ON campaign_events (company_id, lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX test_mails_lead_idx ON test_mails (company_id, lead_id) WHERE lead_id IS NOT NULL;

-- The order in which the pages of a campaign list its leads and its e-mails.
CREATE INDEX enrolments_updated_at_idx ON enrolments (company_id, campaign_id, updated_at DESC, id DESC);
CREATE INDEX messages_due_at_idx ON messages (company_id, campaign_id, due_at DESC, id DESC);

-- Whom a suppressed domain concerns.
CREATE INDEX leads_domain_idx ON leads (company_id, split_part(email, '@', 2)) WHERE email IS NOT NULL;

-- Campaigns that have something to do besides sending.
CREATE OR REPLACE FUNCTION platform_waiting_campaigns(now timestamptz) RETURNS TABLE (company_id uuid, campaign_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT c.company_id, c.id FROM campaigns c
    WHERE (c.state = 'scheduled' AND c.starts_at <= now)
       OR c.state IN ('pausing', 'stopping')
       OR c.state = 'running' AND (
              EXISTS (SELECT FROM campaign_audience a WHERE a.company_id = c.company_id AND a.campaign_id = c.id)
              OR EXISTS (SELECT FROM messages m WHERE m.company_id = c.company_id AND m.campaign_id = c.id
                           AND m.plan_shift < c.plan_shift AND m.state IN ('scheduled', 'deferred'))
              OR NOT EXISTS (SELECT FROM enrolments e WHERE e.company_id = c.company_id AND e.campaign_id = c.id
                               AND e.state IN ('active', 'waiting_delay', 'waiting_window')))
$$;

SELECT platform_function('platform_waiting_campaigns(timestamptz)');
GRANT SELECT ON enrolments TO saleswright_platform;
CREATE POLICY across_companies ON enrolments TO saleswright_platform USING (true) WITH CHECK (true);

-- Nobody calls these any more, so of leads the platform role needs to see what search looks at.
DROP FUNCTION platform_search_leads(uuid, text);
DROP FUNCTION platform_tagged_leads(uuid, text[]);
DROP FUNCTION platform_next_send_at();
REVOKE ALL ON leads FROM saleswright_platform;
GRANT SELECT (id, company_id, search_text, tags) ON leads TO saleswright_platform;
DROP POLICY across_companies ON leads;
