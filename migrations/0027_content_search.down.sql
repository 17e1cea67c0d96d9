DROP FUNCTION search_content(tsquery, int);
DROP POLICY searched ON content;
REVOKE ALL ON content FROM saleswright_platform;
ALTER TABLE content DROP COLUMN search;
