-- How the rows are stored. Those without SELECT are conditions on a column.

-- name: fan_out
-- How many users have how many rows; users without any are not among them.
SELECT n, count(*)
FROM (SELECT count(*) AS n FROM public.{table} GROUP BY user_id) AS by_user
GROUP BY n
ORDER BY n

-- name: document
-- The values of one column on a sample of the table's pages.
SELECT
    count(*) AS rows,
    avg(({column} IS NULL)::int)::float8 AS null_share,
    avg(octet_length({column}::text))::float8 AS text_bytes,
    avg(pg_column_size({column}))::float8 AS stored_bytes,
    (count(*) FILTER (WHERE {compressed}))::float8 / nullif(count(CASE WHEN ({compressed}) IS NOT NULL THEN {column} END), 0)
        AS compressed_share,
    (count(*) FILTER (WHERE {toasted}))::float8 / nullif(count({column}), 0) AS toasted_share
FROM public.{table} TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (1)

-- name: compressed_14
pg_column_compression({column}) IS NOT NULL

-- name: compressed_unknown
NULL::boolean

-- name: toasted_17
(pg_column_toast_chunk_id({column}) IS NOT NULL)

-- name: toasted_by_size
-- Before PostgreSQL 17 only by size: what stays in the row is compressed below the threshold of 2 KB a row.
coalesce(pg_column_size({column}) > 2000, false)

-- name: toasted_rows
-- Rows with a value out of line, found without fetching it.
SELECT count(*) FILTER (WHERE {any_toasted}) FROM public.{table}

-- name: dead_rows
-- What the statistics system counts; it lags by about a second and begins anew after a crash.
SELECT relname, n_dead_tup FROM pg_stat_user_tables WHERE schemaname = 'public'

-- name: stattuple_schema
SELECT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pgstattuple'

-- name: free_space
SELECT dead_tuple_count, approx_free_percent / 100
FROM {schema}.pgstattuple_approx('public.' || {name})
