DROP FUNCTION platform_due_link_hosts(timestamptz);
DROP TABLE link_hosts;
DROP FUNCTION platform_keep_months(timestamptz, int);
DROP TABLE tracking_events;
DROP FUNCTION protect_part(regclass);
DROP TABLE tracked_links;
ALTER TABLE messages DROP COLUMN tracks_opens, DROP COLUMN tracks_clicks;
