-- Rows that are looked up by their keys, a few at a time. Each query on a table of companies asks for the company, too, and
-- where PostgreSQL has no statistics yet it takes all rows of a company for a handful: then it rather reads all of them than
-- look up ten keys. A campaign that was just placed would be read as a whole with each e-mail.

-- The keys. Said to be one, so that whatever is joined to it is looked up; in PL/pgSQL, so that it is neither unfolded into
-- a function that is said to be many nor planned anew by each statement.
CREATE FUNCTION by_key(ids uuid[]) RETURNS TABLE (id uuid)
    LANGUAGE plpgsql ROWS 1
AS $$
BEGIN
    RETURN QUERY SELECT unnest(ids);
END
$$;
