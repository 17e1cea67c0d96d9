-- What is counted, leased and forgotten, so that nothing is tried or kept for longer than it should be.

-- Tries are counted together from the first one on; those that were right do not prolong it.
ALTER TABLE sign_in_attempts ADD COLUMN first_at timestamptz NOT NULL DEFAULT now();
