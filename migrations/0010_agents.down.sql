DROP FUNCTION platform_companies_behind(text);
ALTER TABLE companies DROP COLUMN catalogue;
DROP TABLE agent_versions;
DROP TABLE agents;
