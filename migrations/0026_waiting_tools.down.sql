CREATE OR REPLACE FUNCTION platform_waiting_runs(now timestamptz) RETURNS TABLE (company_id uuid, run_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT r.company_id, r.id FROM runs r
    WHERE r.finished_at IS NULL
      AND (r.state = 'queued' AND coalesce(r.admitted_at, r.created_at) < now - interval '30 seconds'
        OR r.state IN ('running', 'cancelling') AND r.lease_until < now
        OR r.state IN ('waiting_input', 'sleeping') AND r.wake_at <= now
        OR r.state IN ('waiting_approval', 'waiting_budget') AND EXISTS (
               SELECT FROM run_approvals a
               WHERE a.company_id = r.company_id AND a.run_id = r.id AND a.state = 'pending' AND a.expires_at < now))
    ORDER BY r.created_at LIMIT 500
$$;
SELECT platform_function('platform_waiting_runs(timestamptz)');
DROP FUNCTION platform_awaited_answer(uuid);
DROP TABLE awaited_answers;
ALTER TABLE connectors DROP COLUMN challenge;
