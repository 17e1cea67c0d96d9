DROP FUNCTION platform_keep_months(text, timestamptz, int);
DROP FUNCTION keep_by_month(regclass);
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

-- With their foreign keys before their rows: those of rows that are there are not checked past row-level security.
ALTER TABLE lead_events RENAME TO lead_events_by_month;
ALTER TABLE campaign_events RENAME TO campaign_events_by_month;
CREATE TABLE lead_events (
    id           uuid,
    company_id   uuid,
    lead_id      uuid NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    kind         text NOT NULL CONSTRAINT lead_events_kind_check CHECK (kind IN ('created', 'imported', 'edited',
                 'status_changed', 'owner_changed', 'tagged', 'noted', 'enrolled', 'sent', 'bounced', 'soft_bounced',
                 'unknown', 'replied', 'auto_replied', 'unsubscribed', 'suppressed', 'left')),
    actor        text NOT NULL,
    text         text,
    campaign_id  uuid,
    inbound_id   uuid,
    workflow_id  uuid,
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE CASCADE,
    CONSTRAINT lead_events_inbound_fkey
        FOREIGN KEY (company_id, inbound_id) REFERENCES inbound_messages (company_id, id) ON DELETE SET NULL (inbound_id),
    CONSTRAINT lead_events_workflow_fkey
        FOREIGN KEY (company_id, workflow_id) REFERENCES workflows (company_id, id) ON DELETE SET NULL (workflow_id)
);
CREATE TABLE campaign_events (
    id           uuid,
    company_id   uuid,
    campaign_id  uuid NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    kind         text NOT NULL,
    actor        text NOT NULL,
    text         text,
    lead_id      uuid,
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE SET NULL (lead_id)
);
INSERT INTO lead_events (id, company_id, lead_id, at, kind, actor, text, campaign_id, inbound_id, workflow_id)
SELECT event_id, company_id, lead_id, at, kind, actor, text, campaign_id, inbound_id, workflow_id FROM lead_events_by_month
UNION ALL
SELECT gen_random_uuid(), company_id, lead_id, sent_at, 'sent', 'sender', 'Step ' || position, campaign_id, NULL, NULL
FROM messages WHERE sent_at IS NOT NULL AND campaign_id IS NOT NULL AND lead_id IS NOT NULL;
INSERT INTO campaign_events (id, company_id, campaign_id, at, kind, actor, text, lead_id)
SELECT event_id, company_id, campaign_id, at, kind, actor, text, lead_id FROM campaign_events_by_month
UNION ALL
SELECT gen_random_uuid(), company_id, campaign_id, sent_at, 'sent', 'sender', 'Step ' || position, lead_id
FROM messages WHERE sent_at IS NOT NULL AND evidence IS NULL AND campaign_id IS NOT NULL;
DROP TABLE lead_events_by_month, campaign_events_by_month;

ALTER TABLE lead_events ADD PRIMARY KEY (id);
SELECT tenant_table('lead_events');
CREATE INDEX lead_events_lead_idx ON lead_events (company_id, lead_id, at DESC, id DESC);
CREATE INDEX lead_events_inbound_idx ON lead_events (company_id, inbound_id) WHERE inbound_id IS NOT NULL;
CREATE INDEX lead_events_workflow_idx ON lead_events (company_id, workflow_id) WHERE workflow_id IS NOT NULL;
ALTER TABLE campaign_events ADD PRIMARY KEY (id);
SELECT tenant_table('campaign_events');
CREATE INDEX campaign_events_at_idx ON campaign_events (company_id, campaign_id, at DESC, id DESC);
CREATE INDEX campaign_events_lead_idx ON campaign_events (company_id, lead_id) WHERE lead_id IS NOT NULL;
