-- Whoever buys is a customer: a lead has a status that says so, and its sequences end with it.
ALTER TABLE leads
    DROP CONSTRAINT leads_status_check,
    ADD CONSTRAINT leads_status_check
        CHECK (status IN ('new', 'working', 'replied', 'qualified', 'customer', 'nurture', 'lost'));
ALTER TABLE enrolments
    DROP CONSTRAINT enrolments_state_check,
    ADD CONSTRAINT enrolments_state_check
        CHECK (state IN ('active', 'waiting_delay', 'waiting_window', 'waiting_task', 'waiting_event', 'paused',
                         'finished', 'replied', 'converted', 'bounced', 'unsubscribed', 'suppressed', 'stopped', 'failed',
                         'skipped'));
ALTER TABLE lead_events
    DROP CONSTRAINT lead_events_kind_check,
    ADD CONSTRAINT lead_events_kind_check
        CHECK (kind IN ('created', 'imported', 'edited', 'status_changed', 'owner_changed', 'tagged', 'noted', 'enrolled',
                        'sent', 'bounced', 'soft_bounced', 'unknown', 'replied', 'auto_replied', 'unsubscribed',
                        'suppressed', 'left', 'meeting_booked', 'converted'));
