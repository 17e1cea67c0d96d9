ALTER TABLE campaign_simulations DROP COLUMN basis;
