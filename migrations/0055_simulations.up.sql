-- Simulations: what a campaign is going to do, computed by a worker over its real leads, windows, caps and mailboxes.
CREATE TABLE campaign_simulations (
    company_id   uuid,
    campaign_id  uuid NOT NULL,
    -- From 1, in the order in which they were asked for.
    number       int NOT NULL CHECK (number > 0),
    asked_at     timestamptz NOT NULL,
    -- The edit after which it was made; absent when a person asked for it.
    cause        text CHECK (length(cause) BETWEEN 1 AND 200),
    -- When it was made; absent while it is not.
    made_at      timestamptz,
    -- `domain::simulation::Simulation`.
    result       jsonb,
    -- Why it could not be made.
    error        text,
    PRIMARY KEY (company_id, campaign_id, number),
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE CASCADE,
    CHECK (result IS NULL OR made_at IS NOT NULL)
);
SELECT tenant_table('campaign_simulations');
