ALTER TABLE run_approvals DROP COLUMN schema;
