CREATE POLICY across_companies ON leads TO saleswright_platform USING (true) WITH CHECK (true);
GRANT SELECT ON leads TO saleswright_platform;
CREATE FUNCTION platform_next_send_at() RETURNS timestamptz
    LANGUAGE sql STABLE
AS $$ SELECT min(next_send_at) FROM mailboxes WHERE state = 'connected' AND next_send_at IS NOT NULL $$;
SELECT platform_function('platform_next_send_at()');
CREATE FUNCTION platform_tagged_leads(company uuid, wanted text[]) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF company IS DISTINCT FROM current_company() THEN
        RAISE EXCEPTION 'not your company' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY SELECT id FROM leads WHERE company_id = company AND tags && wanted;
END
$$;
SELECT platform_function('platform_tagged_leads(uuid, text[])');
CREATE FUNCTION platform_search_leads(company uuid, wanted text) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF company IS DISTINCT FROM current_company() THEN
        RAISE EXCEPTION 'not your company' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY SELECT id FROM leads
        WHERE company_id = company
          AND search_text LIKE '%' || replace(replace(replace(wanted, '\', '\\'), '%', '\%'), '_', '\_') || '%';
END
$$;
SELECT platform_function('platform_search_leads(uuid, text)');
CREATE OR REPLACE FUNCTION platform_waiting_campaigns(now timestamptz) RETURNS TABLE (company_id uuid, campaign_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT company_id, id FROM campaigns c
    WHERE (state = 'scheduled' AND starts_at <= now)
       OR state IN ('pausing', 'stopping')
       OR state = 'running'
$$;
SELECT platform_function('platform_waiting_campaigns(timestamptz)');
DROP POLICY across_companies ON enrolments;
REVOKE ALL ON enrolments FROM saleswright_platform;
DROP INDEX leads_domain_idx;
DROP INDEX messages_due_at_idx;
DROP INDEX enrolments_updated_at_idx;
DROP INDEX test_mails_lead_idx;
DROP INDEX campaign_events_lead_idx;
