-- Columns of the application's schema, with three figures of the server's statistics and no value of theirs. Types
-- that are not the system's own have no name here.
SELECT c.relname::text, a.attname::text, t.typname::text, s.null_frac, s.avg_width, s.n_distinct
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid
LEFT JOIN pg_type AS t ON t.oid = a.atttypid AND t.typnamespace = 'pg_catalog'::regnamespace
LEFT JOIN pg_stats AS s
    ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
    AND s.inherited = (c.relkind = 'p')
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
    AND c.relname || '.' || a.attname = ANY(%(columns)s)
ORDER BY c.relname, a.attnum
