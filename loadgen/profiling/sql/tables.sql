-- The application's tables as the catalogue knows them, partitions summed up; their rows are not read. Estimated rows
-- are what the planner would take: the last known density times the pages that there are now.
WITH RECURSIVE members (root, oid) AS (
    SELECT c.oid, c.oid
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = ANY(%(names)s) AND c.relkind IN ('r', 'p')
    UNION ALL
    SELECT m.root, i.inhrelid
    FROM members AS m
    JOIN pg_inherits AS i ON i.inhparent = m.oid
), sizes AS (
    SELECT
        m.root,
        c.relkind,
        CASE WHEN c.relpages > 0
            THEN c.reltuples / c.relpages * (pg_relation_size(c.oid) / current_setting('block_size')::float8)
            WHEN pg_relation_size(c.oid) = 0 THEN 0
        END AS rows,
        coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) AS toast_bytes,
        pg_table_size(c.oid) AS table_bytes,
        pg_indexes_size(c.oid) AS index_bytes
    FROM members AS m
    JOIN pg_class AS c ON c.oid = m.oid
)
SELECT
    c.relname::text,
    has_table_privilege(c.oid, 'SELECT'),
    c.relrowsecurity,
    row_security_active(c.oid),
    CASE WHEN bool_and(s.rows >= 0) FILTER (WHERE s.relkind <> 'p') THEN sum(s.rows) FILTER (WHERE s.relkind <> 'p') END,
    coalesce(sum(s.table_bytes - s.toast_bytes), 0)::bigint,
    coalesce(sum(s.toast_bytes), 0)::bigint,
    coalesce(sum(s.index_bytes), 0)::bigint,
    count(*) - 1
FROM sizes AS s
JOIN pg_class AS c ON c.oid = s.root
GROUP BY c.oid, c.relname, c.relrowsecurity
