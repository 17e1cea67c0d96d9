DROP TABLE import_rows, import_chunks, imports;
