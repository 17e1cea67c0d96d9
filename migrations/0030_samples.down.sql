DROP TABLE draft_samples;
