-- What the application role may do with the queue: put jobs in, take them out. Run by the owner
-- after each update of the queue's own tables; safe to run again.
GRANT USAGE ON SCHEMA graphile_worker TO saleswright_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA graphile_worker TO saleswright_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA graphile_worker TO saleswright_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA graphile_worker TO saleswright_app;
-- The queue's tables have row-level security without policies.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'graphile_worker' AND rowsecurity LOOP
        EXECUTE format('DROP POLICY IF EXISTS saleswright_app ON graphile_worker.%I', name);
        EXECUTE format('CREATE POLICY saleswright_app ON graphile_worker.%I TO saleswright_app USING (true) WITH CHECK (true)', name);
    END LOOP;
END
$$;
