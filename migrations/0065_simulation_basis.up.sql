-- What a simulation was made of. It is out of date when that has changed, and what an edit changes is played with what
-- was there before it.
-- `domain::simulation::Basis`; absent for one that could not be made, and for those of before.
ALTER TABLE campaign_simulations ADD COLUMN basis jsonb;
