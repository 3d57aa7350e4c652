-- Lengths of one column in a sample of pages: how many rows, how many of them have a value, and the means and quantiles
-- of its bytes as text and as stored.
WITH sampled AS MATERIALIZED (
    SELECT {column} AS value
    FROM {schema}.{table} TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (1)
    LIMIT %(most)s
), measured AS (
    SELECT octet_length(value::text) AS text_bytes, pg_column_size(value) AS stored_bytes FROM sampled
)
SELECT
    count(*),
    count(text_bytes),
    avg(text_bytes)::float8,
    percentile_disc(%(probabilities)s::float8[]) WITHIN GROUP (ORDER BY text_bytes),
    avg(stored_bytes)::float8,
    percentile_disc(%(probabilities)s::float8[]) WITHIN GROUP (ORDER BY stored_bytes)
FROM measured
