DROP FUNCTION platform_due_domains(timestamptz);
DROP TABLE sending_domains;
