-- Evaluations: runs of the case that says whether an agent still does its job, with the runs that they hand work over
-- to. They are no work for the company, so figures leave them out.
ALTER TABLE runs ADD COLUMN evaluation boolean NOT NULL DEFAULT false;
CREATE INDEX runs_evaluation_idx ON runs (company_id, agent_id, created_at DESC, id DESC) WHERE evaluation;

-- The list of runs by where they stand, by who started them, and by what they cost.
CREATE INDEX runs_state_idx ON runs (company_id, state, created_at DESC, id DESC);
CREATE INDEX runs_origin_idx ON runs (company_id, origin, created_at DESC, id DESC);
CREATE INDEX runs_person_idx ON runs (company_id, person_id, created_at DESC, id DESC) WHERE origin = 'person';
CREATE INDEX runs_cost_idx ON runs (company_id, cost_micros) WHERE cost_micros > 0;
