-- Before PostgreSQL 17 only by size: what stays in the row is compressed below the threshold of 2 KB a row.
coalesce(pg_column_size({column}) > 2000, false)
