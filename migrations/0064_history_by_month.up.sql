-- What has happened to leads and campaigns is kept by month, as opens and clicks are: the newest months stay small
-- however long the history is, and a month that is too old goes as a whole.
--
-- That an e-mail has left is not written a second and a third time: the ledger says so, and both histories read it there.

CREATE FUNCTION pg_temp.by_month(old regclass, name text) RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    month date;
BEGIN
    EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', name || '_rest', name);
    FOR month IN EXECUTE format('SELECT DISTINCT date_trunc(''month'', at AT TIME ZONE ''UTC'') FROM %s', old) LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                       name || '_' || to_char(month, 'YYYY_MM'), name, month::timestamp AT TIME ZONE 'UTC',
                       (month + interval '1 month') AT TIME ZONE 'UTC');
    END LOOP;
END
$$;
-- No company is set here, so all rows are those of nobody.
ALTER TABLE lead_events NO FORCE ROW LEVEL SECURITY;
ALTER TABLE campaign_events NO FORCE ROW LEVEL SECURITY;
ALTER TABLE lead_events RENAME TO old_lead_events;
ALTER TABLE campaign_events RENAME TO old_campaign_events;

CREATE TABLE lead_events (
    company_id   uuid,
    event_id     uuid NOT NULL,
    at           timestamptz NOT NULL,
    lead_id      uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('created', 'imported', 'edited', 'status_changed', 'owner_changed',
                 'tagged', 'noted', 'enrolled', 'sent', 'bounced', 'soft_bounced', 'unknown', 'replied', 'auto_replied',
                 'unsubscribed', 'suppressed', 'left')),
    actor        text NOT NULL,
    text         text,
    -- It stays when the campaign goes.
    campaign_id  uuid,
    -- A mail that has told of it.
    inbound_id   uuid,
    -- A workflow that has made it.
    workflow_id  uuid,
    PRIMARY KEY (company_id, event_id, at),
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, inbound_id) REFERENCES inbound_messages (company_id, id) ON DELETE SET NULL (inbound_id),
    FOREIGN KEY (company_id, workflow_id) REFERENCES workflows (company_id, id) ON DELETE SET NULL (workflow_id)
) PARTITION BY RANGE (at);
SELECT pg_temp.by_month('old_lead_events', 'lead_events');
INSERT INTO lead_events (company_id, event_id, at, lead_id, kind, actor, text, campaign_id, inbound_id, workflow_id)
SELECT company_id, id, at, lead_id, kind, actor, text, campaign_id, inbound_id, workflow_id FROM old_lead_events
WHERE kind <> 'sent' OR campaign_id IS NULL;

CREATE TABLE campaign_events (
    company_id   uuid,
    event_id     uuid NOT NULL,
    at           timestamptz NOT NULL,
    campaign_id  uuid NOT NULL,
    kind         text NOT NULL,
    actor        text NOT NULL,
    text         text,
    lead_id      uuid,
    PRIMARY KEY (company_id, event_id, at),
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE SET NULL (lead_id)
) PARTITION BY RANGE (at);
SELECT pg_temp.by_month('old_campaign_events', 'campaign_events');
INSERT INTO campaign_events (company_id, event_id, at, campaign_id, kind, actor, text, lead_id)
SELECT company_id, id, at, campaign_id, kind, actor, text, lead_id FROM old_campaign_events WHERE kind <> 'sent';
-- Only what was found out later keeps an entry: the ledger knows when it was handed over, and not when that was learned.
INSERT INTO campaign_events (company_id, event_id, at, campaign_id, kind, actor, text, lead_id)
SELECT company_id, gen_random_uuid(), sent_at, campaign_id, 'sent', 'sender', 'Step ' || position, lead_id FROM messages
WHERE evidence IS NOT NULL AND sent_at IS NOT NULL AND campaign_id IS NOT NULL;

DROP TABLE old_lead_events, old_campaign_events;
DROP FUNCTION pg_temp.by_month(regclass, text);

SELECT tenant_table('lead_events');
CREATE INDEX lead_events_lead_idx ON lead_events (company_id, lead_id, at DESC, event_id DESC);
CREATE INDEX lead_events_inbound_idx ON lead_events (company_id, inbound_id) WHERE inbound_id IS NOT NULL;
CREATE INDEX lead_events_workflow_idx ON lead_events (company_id, workflow_id) WHERE workflow_id IS NOT NULL;
SELECT tenant_table('campaign_events');
CREATE INDEX campaign_events_at_idx ON campaign_events (company_id, campaign_id, at DESC, event_id DESC);
CREATE INDEX campaign_events_lead_idx ON campaign_events (company_id, lead_id) WHERE lead_id IS NOT NULL;

-- The months of a table: only its owner can give it parts, and its owner looks across companies.
CREATE FUNCTION keep_by_month(name regclass) RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = name LOOP
        PERFORM protect_part(part);
        EXECUTE format('ALTER TABLE %s OWNER TO saleswright_platform', part);
    END LOOP;
    EXECUTE format('CREATE POLICY across_companies ON %s TO saleswright_platform USING (true) WITH CHECK (true)', name);
    EXECUTE format('ALTER TABLE %s OWNER TO saleswright_platform', name);
END
$$;
REVOKE EXECUTE ON FUNCTION keep_by_month(regclass) FROM PUBLIC;
SELECT keep_by_month('lead_events');
SELECT keep_by_month('campaign_events');

-- Makes the months of a table that come, and lets those go that are over since `kept` months. Housekeeping of the
-- installation: months belong to no company.
DROP FUNCTION platform_keep_months(timestamptz, int);
CREATE FUNCTION platform_keep_months(events text, now timestamptz, kept int) RETURNS void
    LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    whole regclass := format('public.%I', events);
    first timestamptz;
    part  text;
    taken boolean;
    old   regclass;
BEGIN
    FOR ahead IN 0..3 LOOP
        first := (date_trunc('month', now AT TIME ZONE 'UTC') + ahead * interval '1 month') AT TIME ZONE 'UTC';
        part := events || '_' || to_char(first AT TIME ZONE 'UTC', 'YYYY_MM');
        CONTINUE WHEN to_regclass(format('public.%I', part)) IS NOT NULL;
        -- What was put aside before there was a month for it stays there.
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I r WHERE r.at >= $1 AND r.at < $1 + interval ''1 month'')',
                       events || '_rest') INTO taken USING first;
        CONTINUE WHEN taken;
        EXECUTE format('CREATE TABLE public.%I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
                       part, whole, first, ((first AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC');
        PERFORM public.protect_part(format('public.%I', part)::regclass);
    END LOOP;
    FOR old IN
        SELECT c.oid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = whole AND c.relname ~ '_[0-9]{4}_[0-9]{2}$'
          AND (to_date(right(c.relname, 7), 'YYYY_MM')::timestamp + interval '1 month') AT TIME ZONE 'UTC'
              <= now - make_interval(months => kept)
    LOOP
        EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', whole, old);
        EXECUTE format('DROP TABLE %s', old);
    END LOOP;
    EXECUTE format('DELETE FROM public.%I r WHERE r.at < $1', events || '_rest') USING now - make_interval(months => kept);
END
$$;
SELECT platform_function('platform_keep_months(text, timestamptz, int)');
-- It needs the whole table for a moment; whoever writes then must not wait for long. The next look tries again.
ALTER FUNCTION platform_keep_months(text, timestamptz, int) SET lock_timeout = '2s';

SELECT platform_keep_months('lead_events', now(), 36);
SELECT platform_keep_months('campaign_events', now(), 36);
