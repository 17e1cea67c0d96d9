DROP INDEX runs_cost_idx;
DROP INDEX runs_person_idx;
DROP INDEX runs_origin_idx;
DROP INDEX runs_state_idx;
ALTER TABLE runs DROP COLUMN evaluation;
