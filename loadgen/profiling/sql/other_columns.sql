-- How many columns the application's tables have beside those of its schema.
SELECT c.relname::text, count(*)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE n.nspname = %(schema)s AND c.relname = ANY(%(names)s) AND c.relkind IN ('r', 'p')
    AND a.attnum > 0 AND NOT a.attisdropped
    AND c.relname || '.' || a.attname <> ALL(%(columns)s)
GROUP BY c.relname
