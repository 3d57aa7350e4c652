-- The server and the catalogue of a production database.

-- name: limits
-- For one transaction: only read, never wait for a lock, use one process, and see either all rows or an error. Names
-- mean the system's own, whatever the schemas of the database hold.
SELECT
    pg_catalog.set_config('transaction_read_only', 'on', true),
    pg_catalog.set_config('search_path', 'pg_catalog', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', %(timeout_ms)s, true),
    pg_catalog.set_config('lock_timeout', '2s', true),
    pg_catalog.set_config('idle_in_transaction_session_timeout', '60s', true),
    pg_catalog.set_config('max_parallel_workers_per_gather', '0', true),
    pg_catalog.set_config('jit', 'off', true),
    pg_catalog.set_config('TimeZone', 'UTC', true)

-- name: server
-- What kind of server this is. A database with this tool's bookkeeping is synthetic; the catalogue says so to anybody.
SELECT
    pg_is_in_recovery(),
    EXISTS (
        SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'loadgen' AND c.relname = 'mark'
    )

-- name: settings
-- Settings by name, as they were before this tool set some for itself; those that are free text are left out even if
-- they are asked for.
SELECT name, reset_val, coalesce(unit, '')
FROM pg_settings
WHERE name = ANY(%(names)s) AND vartype IN ('bool', 'integer', 'real', 'enum')
ORDER BY name

-- name: tables
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

-- name: columns
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

-- name: other_columns
-- How many columns the application's tables have beside those of its schema.
SELECT c.relname::text, count(*)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE n.nspname = %(schema)s AND c.relname = ANY(%(names)s) AND c.relkind IN ('r', 'p')
    AND a.attnum > 0 AND NOT a.attisdropped
    AND c.relname || '.' || a.attname <> ALL(%(columns)s)
GROUP BY c.relname

-- name: indexes
-- Indexes of the application's tables by what they are, not by their names: columns that its schema does not have, and
-- expressions, are NULL; so are methods that are not the system's own.
SELECT
    c.relname::text,
    CASE WHEN am.amname = ANY(%(methods)s) THEN am.amname::text END,
    ARRAY(
        SELECT CASE WHEN c.relname || '.' || a.attname = ANY(%(columns)s) THEN a.attname::text END
        FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
        LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0
        WHERE k.place <= i.indnkeyatts
        ORDER BY k.place
    ),
    i.indisunique,
    i.indpred IS NOT NULL,
    coalesce(
        (SELECT sum(pg_relation_size(p.relid)) FROM pg_partition_tree(i.indexrelid) AS p),
        pg_relation_size(i.indexrelid)
    )::bigint
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_index AS i ON i.indrelid = c.oid
JOIN pg_class AS x ON x.oid = i.indexrelid
JOIN pg_am AS am ON am.oid = x.relam
WHERE n.nspname = %(schema)s AND c.relname = ANY(%(names)s) AND c.relkind IN ('r', 'p') AND i.indisvalid
ORDER BY 1, 6 DESC, 3

-- name: other_tables
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
