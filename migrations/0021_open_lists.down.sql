DROP INDEX content_kind_idx;
DROP INDEX runs_failed_idx;
