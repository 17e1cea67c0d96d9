-- The three roles, made once per server by a superuser (or by hand from the text
-- that `saleswright migrate` prints). Everything else is a migration.
--
--   saleswright_owner     owns the schema and migrates; no superuser, no BYPASSRLS
--   saleswright_app       serves and works; row-level security holds for it
--   saleswright_platform  nobody signs in as it; it owns the few functions that may
--                         look across companies
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'saleswright_owner') THEN
        CREATE ROLE saleswright_owner LOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'saleswright_app') THEN
        CREATE ROLE saleswright_app LOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'saleswright_platform') THEN
        CREATE ROLE saleswright_platform NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
END
$$;
-- Lets the owner give functions to the platform role.
GRANT saleswright_platform TO saleswright_owner;
