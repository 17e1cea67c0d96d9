DROP FUNCTION is_suppressed(text);
DROP TABLE suppressions, lead_events, lead_notes, leads, accounts;
