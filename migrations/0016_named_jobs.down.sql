DROP FUNCTION platform_waiting_named_jobs(timestamptz);
DROP TABLE named_jobs;
