-- Jobs that programs ask for by their name, with arguments, and read the answer of. The queue only wakes a
-- worker: what is wanted, with whose rights, and what came of it stands here.

CREATE TABLE named_jobs (
    id            uuid PRIMARY KEY,
    company_id    uuid,
    name          text NOT NULL CHECK (name IN ('execute_marketing_agent', 'generate_marketing_report')),
    arguments     jsonb NOT NULL,
    state         text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    -- The campaign that a report is about, and the text that keeps it.
    campaign_id   uuid,
    content_id    uuid,
    -- The run that an agent does; how it goes is told by the run.
    run_id        uuid,
    answer        jsonb,
    error         text,
    -- Whose rights it has.
    person_id     uuid REFERENCES users (id),
    api_key_id    uuid,
    requested_by  text NOT NULL,
    created_at    timestamptz NOT NULL,
    finished_at   timestamptz,
    CHECK (num_nonnulls(person_id, api_key_id) <= 1),
    CHECK ((name = 'generate_marketing_report') = (campaign_id IS NOT NULL)),
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, content_id) REFERENCES content (company_id, id) ON DELETE SET NULL (content_id),
    FOREIGN KEY (company_id, run_id) REFERENCES runs (company_id, id) ON DELETE SET NULL (run_id),
    FOREIGN KEY (company_id, api_key_id) REFERENCES api_keys (company_id, id)
);
SELECT tenant_table('named_jobs');
-- Who asks twice before the first is done means the same report.
CREATE UNIQUE INDEX named_jobs_report_key ON named_jobs (company_id, campaign_id) WHERE state = 'queued';
CREATE INDEX named_jobs_campaign_idx ON named_jobs (company_id, campaign_id, created_at DESC) WHERE campaign_id IS NOT NULL;
CREATE INDEX named_jobs_run_idx ON named_jobs (company_id, run_id) WHERE run_id IS NOT NULL;
CREATE INDEX named_jobs_waiting_idx ON named_jobs (created_at) WHERE state = 'queued';

-- Named jobs that nobody has begun although somebody should have been woken.
CREATE FUNCTION platform_waiting_named_jobs(now timestamptz) RETURNS TABLE (company_id uuid, job_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT j.company_id, j.id FROM named_jobs j
    WHERE j.state = 'queued' AND j.created_at < now - interval '30 seconds'
    ORDER BY j.created_at LIMIT 500
$$;
GRANT SELECT ON named_jobs TO saleswright_platform;
CREATE POLICY across_companies ON named_jobs TO saleswright_platform USING (true) WITH CHECK (true);
SELECT platform_function('platform_waiting_named_jobs(timestamptz)');
