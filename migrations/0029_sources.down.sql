ALTER TABLE campaign_steps DROP COLUMN sources;
