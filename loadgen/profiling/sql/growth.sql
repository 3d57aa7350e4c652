-- Rows by month of one column, of a sample of pages. Rows without a moment, or with one that can be none, are NULL.
SELECT
    CASE WHEN isfinite(s.moment) AND s.moment >= date '1990-01-01' AND s.moment < now() + interval '1 day'
        THEN to_char(date_trunc('month', s.moment), 'YYYY-MM')
    END,
    count(*)
FROM (
    SELECT {column} AS moment FROM {schema}.{table} TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (1)
) AS s
GROUP BY 1
ORDER BY 1
