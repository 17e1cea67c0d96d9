-- Views of long lists find their rows by themselves, however many others there are.

CREATE INDEX runs_failed_idx ON runs (company_id, created_at DESC, id DESC) WHERE state IN ('failed', 'timed_out');
CREATE INDEX content_kind_idx ON content (company_id, kind, updated_at DESC, id DESC) WHERE deleted_at IS NULL;
