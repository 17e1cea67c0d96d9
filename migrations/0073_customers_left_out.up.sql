-- Campaigns leave customers out, unless their rules say otherwise.
ALTER TABLE enrolments
    DROP CONSTRAINT enrolments_end_reason_check,
    ADD CONSTRAINT enrolments_end_reason_check
        CHECK (end_reason IN ('campaign_stopped', 'removed', 'lead_deleted', 'no_address', 'on_suppression_list',
                              'missing_variable', 'hard_bounce', 'soft_exhausted', 'rejected', 'outcome_unknown',
                              'draft_rejected', 'customer', 'active_elsewhere', 'contacted_recently', 'account_replied',
                              'unverified_address', 'no_lawful_basis', 'held_out', 'meeting_booked'));
