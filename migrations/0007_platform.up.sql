-- The needs that look across companies, each one a function with a name. They run as
-- saleswright_platform, a role nobody signs in as, with policies of its own and a fixed
-- search path; the app role may call them and nothing more.

-- What the platform role may see.
GRANT SELECT ON companies, memberships, api_keys, invitations, mailboxes, messages, campaigns, campaign_audience,
    imports, system_mails, leads TO saleswright_platform;
GRANT SELECT, INSERT, UPDATE ON users TO saleswright_platform;
GRANT UPDATE (last_active_at) ON memberships TO saleswright_platform;
GRANT UPDATE (last_used_at, limit_tat) ON api_keys TO saleswright_platform;
GRANT UPDATE (last_turn_at) ON mailboxes TO saleswright_platform;
GRANT DELETE ON sandbox_mails, idempotent_answers TO saleswright_platform;
GRANT SELECT ON sandbox_mails, idempotent_answers TO saleswright_platform;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['companies', 'memberships', 'api_keys', 'invitations', 'mailboxes', 'messages', 'campaigns',
        'campaign_audience', 'imports', 'system_mails', 'leads', 'users', 'sandbox_mails', 'idempotent_answers'] LOOP
        EXECUTE format('CREATE POLICY across_companies ON %I TO saleswright_platform USING (true) WITH CHECK (true)', name);
    END LOOP;
END
$$;

-- Gives a function to the platform role and its use to the app role.
CREATE FUNCTION platform_function(signature regprocedure) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp', signature);
    EXECUTE format('ALTER FUNCTION %s OWNER TO saleswright_platform', signature);
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO saleswright_app', signature);
END
$$;
REVOKE EXECUTE ON FUNCTION platform_function(regprocedure) FROM PUBLIC;

-- Signing in: before it, there is no company.
CREATE FUNCTION platform_user_by_email(wanted text)
    RETURNS TABLE (id uuid, name text, email text, time_zone text, password_hash text)
    LANGUAGE sql STABLE
AS $$ SELECT u.id, u.name, u.email, u.time_zone, u.password_hash FROM users u WHERE u.email = wanted $$;
SELECT platform_function('platform_user_by_email(text)');

-- A page of a person who is signed in.
CREATE FUNCTION platform_user(wanted uuid)
    RETURNS TABLE (id uuid, name text, email text, time_zone text)
    LANGUAGE sql STABLE
AS $$ SELECT u.id, u.name, u.email, u.time_zone FROM users u WHERE u.id = wanted $$;
SELECT platform_function('platform_user(uuid)');

-- Signing up and accepting an invitation. False when the address is taken.
CREATE FUNCTION platform_create_user(id uuid, email text, name text, password_hash text) RETURNS boolean
    LANGUAGE sql VOLATILE
AS $$
    WITH made AS (
        INSERT INTO users (id, email, name, password_hash) VALUES ($1, $2, $3, $4)
        ON CONFLICT ON CONSTRAINT users_email_key DO NOTHING
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM made)
$$;
SELECT platform_function('platform_create_user(uuid, text, text, text)');

-- The switcher, and where a person lands after signing in.
CREATE FUNCTION platform_memberships(person uuid)
    RETURNS TABLE (company_id uuid, name text, slug text, role text)
    LANGUAGE sql STABLE
AS $$
    SELECT c.id, c.name, c.slug, m.role
    FROM memberships m JOIN companies c ON c.id = m.company_id
    WHERE m.user_id = person AND m.deactivated_at IS NULL
    ORDER BY m.last_active_at DESC NULLS LAST, lower(c.name)
$$;
SELECT platform_function('platform_memberships(uuid)');

-- Every page: from (session, slug) to the company and the role. Remembers the visit, at most once a minute.
CREATE FUNCTION platform_membership(person uuid, company_slug text, now timestamptz)
    RETURNS TABLE (company_id uuid, name text, time_zone text, role text, person_name text, person_email text,
                   person_time_zone text)
    LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN QUERY
        SELECT c.id, c.name, c.time_zone, m.role, u.name, u.email, u.time_zone
        FROM companies c
        JOIN memberships m ON m.company_id = c.id
        JOIN users u ON u.id = m.user_id
        WHERE c.slug = company_slug AND m.user_id = person AND m.deactivated_at IS NULL;
    IF FOUND THEN
        UPDATE memberships m SET last_active_at = now
        FROM companies c
        WHERE c.slug = company_slug AND m.company_id = c.id AND m.user_id = person
          AND (m.last_active_at IS NULL OR m.last_active_at < now - interval '1 minute');
    END IF;
END
$$;
SELECT platform_function('platform_membership(uuid, text, timestamptz)');

-- Every API call: from the hash of the key to its company, and one token of its rate limit (GCRA).
-- `wait` is zero when the call may pass.
CREATE FUNCTION platform_use_key(hash bytea, now timestamptz, per interval, burst interval)
    RETURNS TABLE (id uuid, company_id uuid, name text, scopes text[], wait interval, remaining interval)
    LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    k api_keys%ROWTYPE;
    tat timestamptz;
BEGIN
    SELECT * INTO k FROM api_keys a
    WHERE a.secret_hash = hash AND a.revoked_at IS NULL AND (a.expires_at IS NULL OR a.expires_at > now)
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    tat := greatest(k.limit_tat, now) + per;
    IF tat - now > burst THEN
        RETURN QUERY SELECT k.id, k.company_id, k.name, k.scopes, tat - now - burst, interval '0';
        RETURN;
    END IF;
    UPDATE api_keys a
    SET limit_tat = tat,
        last_used_at = CASE WHEN a.last_used_at > now - interval '1 minute' THEN a.last_used_at ELSE now END
    WHERE a.id = k.id;
    RETURN QUERY SELECT k.id, k.company_id, k.name, k.scopes, interval '0', burst - (tat - now);
END
$$;
SELECT platform_function('platform_use_key(bytea, timestamptz, interval, interval)');

-- The command line names a company by its slug.
CREATE FUNCTION platform_company_by_slug(wanted text) RETURNS TABLE (id uuid, name text, time_zone text)
    LANGUAGE sql STABLE
AS $$ SELECT c.id, c.name, c.time_zone FROM companies c WHERE c.slug = wanted $$;
SELECT platform_function('platform_company_by_slug(text)');

-- A job names a company by its id.
CREATE FUNCTION platform_company(wanted uuid) RETURNS TABLE (name text, time_zone text)
    LANGUAGE sql STABLE
AS $$ SELECT c.name, c.time_zone FROM companies c WHERE c.id = wanted $$;
SELECT platform_function('platform_company(uuid)');

-- An invitation is found by its token, by somebody who belongs to nothing yet.
CREATE FUNCTION platform_invitation(hash bytea)
    RETURNS TABLE (id uuid, company_id uuid, company_name text, slug text, email text, role text, invited_by text,
                   expires_at timestamptz, accepted_at timestamptz, revoked_at timestamptz)
    LANGUAGE sql STABLE
AS $$
    SELECT i.id, i.company_id, c.name, c.slug, i.email, i.role, u.name, i.expires_at, i.accepted_at, i.revoked_at
    FROM invitations i
    JOIN companies c ON c.id = i.company_id
    JOIN users u ON u.id = i.invited_by
    WHERE i.token_hash = hash
$$;
SELECT platform_function('platform_invitation(bytea)');

-- The sender's next mailbox, locked: the company that waited longest, in it the mailbox that
-- waited longest. A second sender passes over locked rows.
CREATE FUNCTION platform_claim_mailbox(now timestamptz) RETURNS TABLE (company_id uuid, mailbox_id uuid)
    LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    found_company uuid;
    found_mailbox uuid;
BEGIN
    SELECT m.company_id, m.id INTO found_company, found_mailbox
    FROM mailboxes m
    WHERE m.state = 'connected' AND m.next_send_at <= now
    ORDER BY (SELECT max(o.last_turn_at) FROM mailboxes o WHERE o.company_id = m.company_id), m.last_turn_at, m.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE mailboxes m SET last_turn_at = now WHERE m.id = found_mailbox;
    RETURN QUERY SELECT found_company, found_mailbox;
END
$$;
SELECT platform_function('platform_claim_mailbox(timestamptz)');

-- When the sender should look again.
CREATE FUNCTION platform_next_send_at() RETURNS timestamptz
    LANGUAGE sql STABLE
AS $$ SELECT min(next_send_at) FROM mailboxes WHERE state = 'connected' AND next_send_at IS NOT NULL $$;
SELECT platform_function('platform_next_send_at()');

-- Messages whose worker has not been heard of since its lease ended.
CREATE FUNCTION platform_expired_leases(now timestamptz, most int)
    RETURNS TABLE (company_id uuid, message_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT company_id, id FROM messages
    WHERE state IN ('claimed', 'sending') AND lease_until < now
    ORDER BY lease_until LIMIT most
$$;
SELECT platform_function('platform_expired_leases(timestamptz, int)');

-- Campaigns that have something to do besides sending: a start whose time has come, leads to
-- place, plans to renew, a drain to end.
CREATE FUNCTION platform_waiting_campaigns(now timestamptz) RETURNS TABLE (company_id uuid, campaign_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT company_id, id FROM campaigns c
    WHERE (state = 'scheduled' AND starts_at <= now)
       OR state IN ('pausing', 'stopping')
       OR state = 'running'
$$;
SELECT platform_function('platform_waiting_campaigns(timestamptz)');

-- Imports that should be worked on and are in nobody's hands.
CREATE FUNCTION platform_waiting_imports(now timestamptz) RETURNS TABLE (company_id uuid, import_id uuid)
    LANGUAGE sql STABLE
AS $$
    SELECT company_id, id FROM imports
    WHERE state IN ('reviewing', 'importing') AND (lease_until IS NULL OR lease_until < now)
$$;
SELECT platform_function('platform_waiting_imports(timestamptz)');

-- Mails of the system that are due.
CREATE FUNCTION platform_waiting_system_mails(now timestamptz) RETURNS TABLE (company_id uuid, mail_id uuid)
    LANGUAGE sql STABLE
AS $$ SELECT company_id, id FROM system_mails WHERE state = 'waiting' AND next_at <= now ORDER BY next_at LIMIT 100 $$;
SELECT platform_function('platform_waiting_system_mails(timestamptz)');

-- A recipient who follows an unsubscribe link belongs to no company.
CREATE FUNCTION platform_message_company(wanted uuid) RETURNS uuid
    LANGUAGE sql STABLE
AS $$ SELECT company_id FROM messages WHERE id = wanted $$;
SELECT platform_function('platform_message_company(uuid)');

-- A mailbox that signs in to the sandbox names itself by its id.
CREATE FUNCTION platform_mailbox_company(wanted uuid) RETURNS uuid
    LANGUAGE sql STABLE
AS $$ SELECT company_id FROM mailboxes WHERE id = wanted AND kind = 'sandbox' $$;
SELECT platform_function('platform_mailbox_company(uuid)');

-- The sender has claimed a mailbox and goes on outside of that transaction.
CREATE FUNCTION platform_mailbox_owner(wanted uuid) RETURNS uuid
    LANGUAGE sql STABLE
AS $$ SELECT company_id FROM mailboxes WHERE id = wanted $$;
SELECT platform_function('platform_mailbox_owner(uuid)');

-- Search in leads. The operators of trigram and array indexes are not leakproof, so row-level
-- security would keep them from being used; here the test of the company is part of the query, and
-- a caller who names another company than its own gets an error.
CREATE FUNCTION platform_search_leads(company uuid, wanted text) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF company IS DISTINCT FROM current_company() THEN
        RAISE EXCEPTION 'not your company' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY SELECT id FROM leads
        WHERE company_id = company
          AND search_text LIKE '%' || replace(replace(replace(wanted, '\', '\\'), '%', '\%'), '_', '\_') || '%';
END
$$;
SELECT platform_function('platform_search_leads(uuid, text)');

-- Leads with any of some tags; a function for the same reason.
CREATE FUNCTION platform_tagged_leads(company uuid, wanted text[]) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF company IS DISTINCT FROM current_company() THEN
        RAISE EXCEPTION 'not your company' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY SELECT id FROM leads WHERE company_id = company AND tags && wanted;
END
$$;
SELECT platform_function('platform_tagged_leads(uuid, text[])');

-- Housekeeping: what is kept for a time only.
CREATE FUNCTION platform_sweep(now timestamptz) RETURNS void
    LANGUAGE sql VOLATILE
AS $$
    DELETE FROM sandbox_mails WHERE received_at < now - interval '7 days';
    DELETE FROM sandbox_mails WHERE id IN (
        SELECT id FROM (
            SELECT id, row_number() OVER (PARTITION BY company_id ORDER BY received_at DESC, id DESC) AS place
            FROM sandbox_mails
        ) ranked WHERE place > 10000
    );
    DELETE FROM idempotent_answers WHERE created_at < now - interval '24 hours';
$$;
SELECT platform_function('platform_sweep(timestamptz)');
