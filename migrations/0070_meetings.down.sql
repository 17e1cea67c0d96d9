-- What is told of meetings stays as a note; the rest is lost. Of every company, which the forced policies forbid even the
-- owner.
ALTER TABLE enrolments NO FORCE ROW LEVEL SECURITY;
ALTER TABLE leads NO FORCE ROW LEVEL SECURITY;
ALTER TABLE lead_events NO FORCE ROW LEVEL SECURITY;
UPDATE enrolments SET end_reason = NULL WHERE end_reason = 'meeting_booked';
UPDATE leads SET last_activity = 'noted' WHERE last_activity = 'meeting_booked';
UPDATE lead_events SET kind = 'noted', text = 'A meeting is booked.' WHERE kind = 'meeting_booked';
ALTER TABLE enrolments FORCE ROW LEVEL SECURITY;
ALTER TABLE leads FORCE ROW LEVEL SECURITY;
ALTER TABLE lead_events FORCE ROW LEVEL SECURITY;

ALTER TABLE inbound_messages DROP COLUMN has_html;
ALTER TABLE lead_events
    DROP CONSTRAINT lead_events_kind_check,
    ADD CONSTRAINT lead_events_kind_check
        CHECK (kind IN ('created', 'imported', 'edited', 'status_changed', 'owner_changed', 'tagged', 'noted', 'enrolled',
                        'sent', 'bounced', 'soft_bounced', 'unknown', 'replied', 'auto_replied', 'unsubscribed',
                        'suppressed', 'left'));
ALTER TABLE enrolments
    DROP CONSTRAINT enrolments_end_reason_check,
    ADD CONSTRAINT enrolments_end_reason_check
        CHECK (end_reason IN ('campaign_stopped', 'removed', 'lead_deleted', 'no_address', 'on_suppression_list',
                              'missing_variable', 'hard_bounce', 'soft_exhausted', 'rejected', 'outcome_unknown',
                              'draft_rejected', 'active_elsewhere', 'contacted_recently', 'account_replied',
                              'unverified_address', 'no_lawful_basis', 'held_out'));
