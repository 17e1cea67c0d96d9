-- Which wording of its step a test mail tries: 0 is A.
ALTER TABLE test_mails ADD COLUMN variant smallint NOT NULL DEFAULT 0 CHECK (variant >= 0);
