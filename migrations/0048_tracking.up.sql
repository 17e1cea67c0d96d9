-- Opens and clicks: asked for by a campaign, over a host name of the company, told apart into those of people and those
-- of programs, and kept for a time.

ALTER TABLE messages
    -- What was put into it when it was frozen.
    ADD COLUMN tracks_opens boolean NOT NULL DEFAULT false,
    ADD COLUMN tracks_clicks boolean NOT NULL DEFAULT false;
-- Figures of campaigns that track nothing cost nothing.
CREATE INDEX messages_tracked_idx ON messages (company_id, campaign_id, step_id) WHERE tracks_opens OR tracks_clicks;

-- Where the links of an e-mail lead. A request names one by its place and never says where it wants to go, so nobody
-- is sent elsewhere. Gone with the lead.
CREATE TABLE tracked_links (
    company_id  uuid,
    message_id  uuid NOT NULL,
    lead_id     uuid NOT NULL,
    -- From 1; 0 is the picture.
    place       smallint NOT NULL CHECK (place > 0),
    url         text NOT NULL CHECK (url ~ '^https?://[!-~]+$'),
    PRIMARY KEY (company_id, message_id, place),
    FOREIGN KEY (company_id, message_id) REFERENCES messages (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('tracked_links');
CREATE INDEX tracked_links_lead_idx ON tracked_links (company_id, lead_id);

-- What has happened to e-mails, month by month: what is too old goes as a whole table, without a trace in the others.
-- Gone with the lead. No reference to the e-mail: it stays as long as its campaign, much longer than its events.
CREATE TABLE tracking_events (
    company_id   uuid,
    event_id     uuid NOT NULL,
    at           timestamptz NOT NULL,
    message_id   uuid NOT NULL,
    campaign_id  uuid NOT NULL,
    step_id      uuid NOT NULL,
    lead_id      uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('open', 'click')),
    place        smallint NOT NULL,
    by           text NOT NULL CHECK (by IN ('human', 'machine')),
    -- Why it was taken for that, in words.
    reason       text NOT NULL,
    -- Of an address only the network, as in 203.0.113.0/24: the rest says who somebody is, and nothing needs it.
    network      text,
    PRIMARY KEY (company_id, event_id, at),
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE CASCADE
) PARTITION BY RANGE (at);
SELECT tenant_table('tracking_events');
CREATE INDEX tracking_events_message_idx ON tracking_events (company_id, message_id, at);
CREATE INDEX tracking_events_lead_idx ON tracking_events (company_id, lead_id, at, event_id);
CREATE INDEX tracking_events_campaign_idx ON tracking_events (company_id, campaign_id, by);
-- What has no month of its own, so that no event is ever refused.
CREATE TABLE tracking_events_rest PARTITION OF tracking_events DEFAULT;

-- A part is asked by its own name by nobody; if somebody does, the rules of the whole hold.
CREATE FUNCTION protect_part(name regclass) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
        'CREATE POLICY of_its_company ON %s TO saleswright_app '
        'USING (company_id = (SELECT public.current_company())) '
        'WITH CHECK (company_id = (SELECT public.current_company()))', name);
    EXECUTE format('CREATE POLICY across_companies ON %s TO saleswright_platform USING (true) WITH CHECK (true)', name);
END
$$;
REVOKE EXECUTE ON FUNCTION protect_part(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION protect_part(regclass) TO saleswright_platform;
SELECT protect_part('tracking_events_rest');
CREATE POLICY across_companies ON tracking_events TO saleswright_platform USING (true) WITH CHECK (true);
-- Only the owner of a table can give it parts.
ALTER TABLE tracking_events OWNER TO saleswright_platform;
ALTER TABLE tracking_events_rest OWNER TO saleswright_platform;

-- Makes the months that come, and lets those go that are over since `kept` months. Housekeeping of the installation:
-- months belong to no company.
CREATE FUNCTION platform_keep_months(now timestamptz, kept int) RETURNS void
    LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    first timestamptz;
    part  text;
    old   record;
BEGIN
    FOR ahead IN 0..3 LOOP
        first := (date_trunc('month', now AT TIME ZONE 'UTC') + ahead * interval '1 month') AT TIME ZONE 'UTC';
        part := 'tracking_events_' || to_char(first AT TIME ZONE 'UTC', 'YYYY_MM');
        CONTINUE WHEN to_regclass('public.' || part) IS NOT NULL
            -- What was put aside before there was a month for it stays there.
            OR EXISTS (SELECT FROM public.tracking_events_rest r
                       WHERE r.at >= first AND r.at < first + interval '1 month');
        EXECUTE format('CREATE TABLE public.%I PARTITION OF public.tracking_events FOR VALUES FROM (%L) TO (%L)',
                       part, first, ((first AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC');
        PERFORM public.protect_part(('public.' || part)::regclass);
    END LOOP;
    FOR old IN
        SELECT c.oid::regclass AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.tracking_events'::regclass AND c.relname ~ '^tracking_events_[0-9]{4}_[0-9]{2}$'
          AND (to_date(right(c.relname, 7), 'YYYY_MM')::timestamp + interval '1 month') AT TIME ZONE 'UTC'
              <= now - make_interval(months => kept)
    LOOP
        EXECUTE format('ALTER TABLE public.tracking_events DETACH PARTITION %s', old.name);
        EXECUTE format('DROP TABLE %s', old.name);
    END LOOP;
    DELETE FROM public.tracking_events_rest r WHERE r.at < now - make_interval(months => kept);
END
$$;
SELECT platform_function('platform_keep_months(timestamptz, int)');
-- It needs the whole table for a moment; whoever writes then must not wait for long. The next look tries again.
ALTER FUNCTION platform_keep_months(timestamptz, int) SET lock_timeout = '2s';

-- Host names of companies that links lead over, and what the last check has found.
CREATE TABLE link_hosts (
    id             uuid PRIMARY KEY,
    company_id     uuid,
    name           text NOT NULL CHECK (name = lower(name)),
    passes         boolean NOT NULL DEFAULT false,
    message        text,
    checked_at     timestamptz,
    error          text,
    failures       int NOT NULL DEFAULT 0,
    next_check_at  timestamptz NOT NULL,
    created_at     timestamptz NOT NULL
);
SELECT tenant_table('link_hosts');
CREATE UNIQUE INDEX link_hosts_name_key ON link_hosts (company_id, name);
CREATE INDEX link_hosts_next_idx ON link_hosts (next_check_at);

-- Host names that are due to be checked: each day, and when a wake-up was lost. A worker looks after all companies.
CREATE FUNCTION platform_due_link_hosts(now timestamptz) RETURNS TABLE (company_id uuid, host_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT h.company_id, h.id FROM link_hosts h WHERE h.next_check_at <= now ORDER BY h.next_check_at LIMIT 500
$$;
GRANT SELECT ON link_hosts TO saleswright_platform;
CREATE POLICY across_companies ON link_hosts TO saleswright_platform USING (true) WITH CHECK (true);
SELECT platform_function('platform_due_link_hosts(timestamptz)');

SELECT platform_keep_months(now(), 13);
