-- A text of the library may have a file: the image of a brief, the document that was made of it.
CREATE TABLE content_files (
    company_id  uuid,
    content_id  uuid NOT NULL,
    name        text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    -- As its first bytes say, never as somebody has said.
    media_type  text NOT NULL,
    size        int NOT NULL CHECK (size BETWEEN 1 AND 20971520),
    bytes       bytea NOT NULL,
    author      text NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (company_id, content_id),
    FOREIGN KEY (company_id, content_id) REFERENCES content (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('content_files');
-- Such files are compressed already.
ALTER TABLE content_files ALTER COLUMN bytes SET STORAGE EXTERNAL;
