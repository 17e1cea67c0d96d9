DROP FUNCTION search_leads(text[], text[], int);
DROP FUNCTION is_suppressed(text);
DROP TABLE suppressions, lead_events, lead_notes, lead_tags, leads, accounts;
