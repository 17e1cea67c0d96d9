DROP FUNCTION platform_waiting_runs(timestamptz);
DROP TABLE run_approvals;
DROP TABLE run_events;
DROP TABLE run_steps;
DROP TABLE runs;
