-- CSV imports. The file lies in the database in chunks, so any worker on any host can go on
-- where another one died.

CREATE TABLE imports (
    id            uuid PRIMARY KEY,
    company_id    uuid,
    file_name     text NOT NULL,
    state         text NOT NULL DEFAULT 'uploaded'
                  CHECK (state IN ('uploaded', 'reviewing', 'ready', 'importing', 'completed', 'failed', 'cancelled')),
    bytes         bigint NOT NULL,
    encoding      text NOT NULL,
    delimiter     text NOT NULL CHECK (delimiter IN (',', ';', E'\t', '|')),
    rows          bigint NOT NULL,
    columns       jsonb NOT NULL,
    mapping       jsonb NOT NULL DEFAULT '{}',
    duplicates    text NOT NULL DEFAULT 'fill_empty' CHECK (duplicates IN ('skip', 'fill_empty', 'overwrite')),
    tag           text,
    preview       jsonb,
    created       bigint NOT NULL DEFAULT 0,
    updated       bigint NOT NULL DEFAULT 0,
    skipped       bigint NOT NULL DEFAULT 0,
    rejected      bigint NOT NULL DEFAULT 0,
    suppressed    bigint NOT NULL DEFAULT 0,
    -- Rows that have an outcome; moved in the same transaction as the rows it counts.
    cursor_row    bigint NOT NULL DEFAULT 0,
    lease_until   timestamptz,
    lease_token   uuid,
    -- Workers that took it since it last moved on; too many mean that it cannot.
    attempts      int NOT NULL DEFAULT 0,
    failure       text,
    created_by    uuid REFERENCES users (id) ON DELETE SET NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz
);
SELECT tenant_table('imports');
CREATE INDEX imports_created_idx ON imports (company_id, created_at DESC, id DESC);
CREATE INDEX imports_open_idx ON imports (state) WHERE state IN ('reviewing', 'importing');

CREATE TABLE import_chunks (
    company_id  uuid,
    import_id   uuid NOT NULL,
    chunk_no    int NOT NULL,
    bytes       bytea NOT NULL,
    PRIMARY KEY (company_id, import_id, chunk_no),
    FOREIGN KEY (company_id, import_id) REFERENCES imports (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('import_chunks');

-- The outcome of each row; the key makes a second outcome impossible.
CREATE TABLE import_rows (
    company_id  uuid,
    import_id   uuid NOT NULL,
    row_no      bigint NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('created', 'updated', 'skipped', 'rejected')),
    lead_id     uuid,
    column_name text,
    value       text,
    reason      text,
    PRIMARY KEY (company_id, import_id, row_no),
    FOREIGN KEY (company_id, import_id) REFERENCES imports (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('import_rows');
CREATE INDEX import_rows_rejected_idx ON import_rows (company_id, import_id, row_no) WHERE outcome = 'rejected';
