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
