DROP FUNCTION platform_sweep(timestamptz);
DROP FUNCTION platform_tagged_leads(uuid, text[]);
DROP FUNCTION platform_search_leads(uuid, text);
DROP FUNCTION platform_mailbox_owner(uuid);
DROP FUNCTION platform_mailbox_company(uuid);
DROP FUNCTION platform_message_company(uuid);
DROP FUNCTION platform_waiting_system_mails(timestamptz);
DROP FUNCTION platform_waiting_imports(timestamptz);
DROP FUNCTION platform_waiting_campaigns(timestamptz);
DROP FUNCTION platform_expired_leases(timestamptz, int);
DROP FUNCTION platform_next_send_at();
DROP FUNCTION platform_claim_mailbox(timestamptz);
DROP FUNCTION platform_invitation(bytea);
DROP FUNCTION platform_company(uuid);
DROP FUNCTION platform_company_by_slug(text);
DROP FUNCTION platform_use_key(bytea, timestamptz, interval, interval);
DROP FUNCTION platform_membership(uuid, text, timestamptz);
DROP FUNCTION platform_memberships(uuid);
DROP FUNCTION platform_create_user(uuid, text, text, text);
DROP FUNCTION platform_user(uuid);
DROP FUNCTION platform_user_by_email(text);
DROP FUNCTION platform_function(regprocedure);
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['companies', 'memberships', 'api_keys', 'invitations', 'mailboxes', 'messages', 'campaigns',
        'campaign_audience', 'imports', 'system_mails', 'leads', 'users', 'sandbox_mails', 'idempotent_answers'] LOOP
        EXECUTE format('DROP POLICY across_companies ON %I', name);
        EXECUTE format('REVOKE ALL ON %I FROM saleswright_platform', name);
    END LOOP;
END
$$;
