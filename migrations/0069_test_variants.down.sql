ALTER TABLE test_mails DROP COLUMN variant;
