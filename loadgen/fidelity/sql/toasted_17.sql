(pg_column_toast_chunk_id({column}) IS NOT NULL)
