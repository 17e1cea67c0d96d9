DROP FUNCTION search_documents(jsonb, int);
DROP TABLE document_versions;
DROP TABLE documents;
