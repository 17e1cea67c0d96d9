-- What people and agents leave for people: texts in versions, tasks, and drafts of e-mails. None of it
-- leaves the company by itself.

-- The library of texts. A text has the words of its newest version.
CREATE TABLE content (
    id           uuid PRIMARY KEY,
    company_id   uuid,
    kind         text NOT NULL CHECK (kind IN ('blog', 'social', 'image', 'video', 'email', 'report')),
    title        text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
    body         text NOT NULL CHECK (char_length(body) BETWEEN 1 AND 200000),
    metadata     jsonb NOT NULL DEFAULT '{}',
    -- The agent that made it, by its name then, and the run in which it did.
    agent        text,
    run_id       uuid,
    campaign_id  uuid,
    author       text NOT NULL,
    version      int NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    deleted_at   timestamptz,
    FOREIGN KEY (company_id, run_id) REFERENCES runs (company_id, id) ON DELETE SET NULL (run_id),
    FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE SET NULL (campaign_id)
);
SELECT tenant_table('content');
CREATE INDEX content_updated_idx ON content (company_id, updated_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX content_run_idx ON content (company_id, run_id) WHERE run_id IS NOT NULL;
CREATE INDEX content_campaign_idx ON content (company_id, campaign_id) WHERE campaign_id IS NOT NULL;

CREATE TABLE content_versions (
    company_id  uuid,
    content_id  uuid NOT NULL,
    version     int NOT NULL CHECK (version > 0),
    title       text NOT NULL,
    body        text NOT NULL,
    author      text NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (company_id, content_id, version),
    FOREIGN KEY (company_id, content_id) REFERENCES content (company_id, id) ON DELETE CASCADE
);
SELECT tenant_table('content_versions');

CREATE TABLE tasks (
    id          uuid PRIMARY KEY,
    company_id  uuid,
    title       text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
    details     text CHECK (char_length(details) <= 5000),
    lead_id     uuid,
    assignee    uuid REFERENCES users (id) ON DELETE SET NULL,
    due_on      date,
    -- By which open tasks are sorted: those without a day come last.
    sort_on     date NOT NULL GENERATED ALWAYS AS (coalesce(due_on, date '9999-12-31')) STORED,
    created_by  text NOT NULL,
    run_id      uuid,
    created_at  timestamptz NOT NULL,
    done_at     timestamptz,
    done_by     text,
    CHECK ((done_at IS NULL) = (done_by IS NULL)),
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, run_id) REFERENCES runs (company_id, id) ON DELETE SET NULL (run_id)
);
SELECT tenant_table('tasks');
CREATE INDEX tasks_open_idx ON tasks (company_id, sort_on, id) WHERE done_at IS NULL;
CREATE INDEX tasks_lead_idx ON tasks (company_id, lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX tasks_run_idx ON tasks (company_id, run_id) WHERE run_id IS NOT NULL;

CREATE TABLE drafts (
    id          uuid PRIMARY KEY,
    company_id  uuid,
    lead_id     uuid NOT NULL,
    subject     text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 200),
    body        text NOT NULL CHECK (char_length(body) BETWEEN 1 AND 20000),
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'used', 'dismissed')),
    agent       text,
    run_id      uuid,
    author      text NOT NULL,
    version     int NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL,
    decided_at  timestamptz,
    decided_by  text,
    CHECK ((state = 'open') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL)),
    FOREIGN KEY (company_id, lead_id) REFERENCES leads (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, run_id) REFERENCES runs (company_id, id) ON DELETE SET NULL (run_id)
);
SELECT tenant_table('drafts');
CREATE INDEX drafts_lead_idx ON drafts (company_id, lead_id, created_at DESC, id DESC);
CREATE INDEX drafts_run_idx ON drafts (company_id, run_id) WHERE run_id IS NOT NULL;
