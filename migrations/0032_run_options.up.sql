-- How a run is to be done, as whoever starts it says: only tried, so that it changes nothing and reaches nobody, and by
-- which writer. A model that is gone later is no reason to fail: then the run asks as its agent says.
ALTER TABLE runs
    ADD COLUMN dry_run boolean NOT NULL DEFAULT false,
    ADD COLUMN built_in boolean NOT NULL DEFAULT false,
    ADD COLUMN model_id uuid,
    ADD FOREIGN KEY (company_id, model_id) REFERENCES models (company_id, id) ON DELETE SET NULL (model_id);
CREATE INDEX runs_model_idx ON runs (company_id, model_id) WHERE model_id IS NOT NULL;
