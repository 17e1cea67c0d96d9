-- Whoever was left out as a customer was in another campaign, as far as anybody can still say; the rule is gone. Of every
-- company, which the forced policies forbid even the owner.
ALTER TABLE enrolments NO FORCE ROW LEVEL SECURITY;
ALTER TABLE campaigns NO FORCE ROW LEVEL SECURITY;
ALTER TABLE send_proofs NO FORCE ROW LEVEL SECURITY;
UPDATE enrolments SET end_reason = 'active_elsewhere' WHERE end_reason = 'customer';
UPDATE campaigns SET rules = rules #- '{exclude,customers}' WHERE rules -> 'exclude' ? 'customers';
UPDATE send_proofs SET ledger = replace(ledger::text, '"reason": "customer"', '"reason": "active_elsewhere"')::jsonb
WHERE ledger::text LIKE '%"reason": "customer"%';
ALTER TABLE enrolments FORCE ROW LEVEL SECURITY;
ALTER TABLE campaigns FORCE ROW LEVEL SECURITY;
ALTER TABLE send_proofs FORCE ROW LEVEL SECURITY;

ALTER TABLE enrolments
    DROP CONSTRAINT enrolments_end_reason_check,
    ADD CONSTRAINT enrolments_end_reason_check
        CHECK (end_reason IN ('campaign_stopped', 'removed', 'lead_deleted', 'no_address', 'on_suppression_list',
                              'missing_variable', 'hard_bounce', 'soft_exhausted', 'rejected', 'outcome_unknown',
                              'draft_rejected', 'active_elsewhere', 'contacted_recently', 'account_replied',
                              'unverified_address', 'no_lawful_basis', 'held_out', 'meeting_booked'));
