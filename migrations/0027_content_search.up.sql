-- The library finds texts by the beginnings of words, in the title and in the first pages of the body: all words of
-- the longest text could be more than a tsvector holds.

ALTER TABLE content ADD COLUMN search tsvector NOT NULL
    GENERATED ALWAYS AS (to_tsvector('simple', title || ' ' || left(body, 100000))) STORED;
CREATE INDEX content_search_idx ON content USING gin (company_id, search) WHERE deleted_at IS NULL;

-- @@ is not leakproof, so under row-level security Postgres may not hand it to the index; this function tests the
-- company itself and gives nothing but ids, as `search_leads` does. The statement is planned anew for each call,
-- because the best way depends on how rare a word is.
CREATE FUNCTION search_content(query tsquery, most int) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE ROWS 1000
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    RETURN QUERY EXECUTE 'SELECT id FROM content WHERE company_id = $1 AND deleted_at IS NULL AND search @@ $2
                          ORDER BY updated_at DESC, id DESC LIMIT $3'
        USING current_company(), query, most;
END
$$;
GRANT SELECT (id, company_id, search, updated_at, deleted_at) ON content TO saleswright_platform;
CREATE POLICY searched ON content FOR SELECT TO saleswright_platform USING (true);
ALTER FUNCTION search_content(tsquery, int) OWNER TO saleswright_platform;
REVOKE EXECUTE ON FUNCTION search_content(tsquery, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_content(tsquery, int) TO saleswright_app;
