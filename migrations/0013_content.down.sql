DROP TABLE drafts;
DROP TABLE tasks;
DROP TABLE content_versions;
DROP TABLE content;
