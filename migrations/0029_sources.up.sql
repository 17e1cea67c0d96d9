-- Documents that the writer of a step may quote: collections, or single ones as collection/key.
ALTER TABLE campaign_steps
    ADD COLUMN sources text[] NOT NULL DEFAULT '{}' CHECK (cardinality(sources) <= 10);
