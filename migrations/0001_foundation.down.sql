DROP FUNCTION tenant_table(regclass);
DROP TABLE companies;
DROP FUNCTION current_company();
REVOKE CREATE ON SCHEMA public FROM saleswright_platform;
REVOKE USAGE ON SCHEMA public FROM saleswright_app, saleswright_platform;
DROP EXTENSION btree_gin;
DROP EXTENSION pg_trgm;
