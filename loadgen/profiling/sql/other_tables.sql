-- How many other tables there are, and their bytes; partitions count as tables.
WITH RECURSIVE ours (oid) AS (
    SELECT c.oid
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = ANY(%(names)s) AND c.relkind IN ('r', 'p')
    UNION ALL
    SELECT i.inhrelid
    FROM ours
    JOIN pg_inherits AS i ON i.inhparent = ours.oid
)
SELECT count(*), coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'loadgen')
    AND n.nspname !~ '^pg_(toast|temp)'
    AND NOT EXISTS (SELECT FROM ours WHERE ours.oid = c.oid)
