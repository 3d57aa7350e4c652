pg_column_compression({column}) IS NOT NULL
