DROP TABLE campaign_simulations;
