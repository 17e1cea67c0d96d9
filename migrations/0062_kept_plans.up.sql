-- What is asked with each e-mail keeps its plan. A function in SQL that looks into a table is parsed and planned anew by
-- each statement that calls it, for longer than it runs; one in PL/pgSQL once in each connection.

-- Whether an address, or everything at its domain, gets no more e-mail. One place, asked by lists, checks, claims and the
-- last look before a hand-over.
CREATE OR REPLACE FUNCTION is_suppressed(address text) RETURNS boolean
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM suppressions
                   WHERE company_id = (SELECT current_company()) AND target IN (address, split_part(address, '@', 2)));
END
$$;

-- E-mails of a mailbox that count towards its cap: handed over in the last 24 hours, or about to be.
CREATE OR REPLACE FUNCTION mailbox_used(mailbox uuid, now timestamptz) RETURNS bigint
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT count(*) FROM messages
            WHERE company_id = (SELECT current_company()) AND mailbox_id = mailbox
              AND sending_at > now - interval '24 hours')
         + (SELECT count(*) FROM messages
            WHERE company_id = (SELECT current_company()) AND mailbox_id = mailbox
              AND state = 'claimed' AND lease_until > now)
         + (SELECT count(*) FROM test_mails
            WHERE company_id = (SELECT current_company()) AND mailbox_id = mailbox
              AND sending_at > now - interval '24 hours');
END
$$;

-- A mailbox of which nothing came back is not judged: its e-mails need not be counted with each claim.
CREATE INDEX messages_came_back_idx ON messages (company_id, mailbox_id, sending_at) WHERE came_back IS NOT NULL;

-- What a mailbox has claimed. Found by the company alone, everything that it claimed lately would be passed over with each
-- claim, as long as nobody has swept it away.
CREATE INDEX messages_claimed_idx ON messages (company_id, mailbox_id, lease_until) WHERE state = 'claimed';

-- The sender passes over companies; nobody claims without that.
DROP FUNCTION platform_claim_mailbox(timestamptz);
