-- Rows of a production database: counted, measured and sampled, none of them read out.

-- name: count_rows
-- Rows of one table, all of it read.
SELECT count(*) FROM {schema}.{table}

-- name: widths
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

-- name: growth
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

-- name: fan_outs
-- How many rows a sample of users have in each table, as a histogram: each combination of counts, and how many users
-- share it. Users and rows stay in the server.
WITH sampled AS MATERIALIZED (
    SELECT id
    FROM {schema}.users TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (1)
    LIMIT %(most)s
),
financial_profiles_of (user_id, n) AS MATERIALIZED ({financial_profiles}),
goals_of (user_id, n) AS MATERIALIZED ({goals}),
education_goals_of (user_id, n) AS MATERIALIZED ({education_goals}),
estate_plans_of (user_id, n) AS MATERIALIZED ({estate_plans}),
chat_messages_of (user_id, n) AS MATERIALIZED ({chat_messages}),
user_achievements_of (user_id, n) AS MATERIALIZED ({user_achievements}),
user_progress_of (user_id, n) AS MATERIALIZED ({user_progress})
SELECT
    coalesce(f.n, 0), coalesce(g.n, 0), coalesce(e.n, 0), coalesce(s.n, 0), coalesce(c.n, 0), coalesce(a.n, 0),
    coalesce(p.n, 0), count(*)
FROM sampled AS u
LEFT JOIN financial_profiles_of AS f ON f.user_id = u.id
LEFT JOIN goals_of AS g ON g.user_id = u.id
LEFT JOIN education_goals_of AS e ON e.user_id = u.id
LEFT JOIN estate_plans_of AS s ON s.user_id = u.id
LEFT JOIN chat_messages_of AS c ON c.user_id = u.id
LEFT JOIN user_achievements_of AS a ON a.user_id = u.id
LEFT JOIN user_progress_of AS p ON p.user_id = u.id
GROUP BY 1, 2, 3, 4, 5, 6, 7

-- name: fan_out_by_index
-- For a large table with an index that begins with user_id: one look a sampled user.
SELECT u.id, (SELECT count(*) FROM {schema}.{table} AS r WHERE r.user_id = u.id) FROM sampled AS u

-- name: fan_out_by_scan
-- For a table that is small beside the sample: all of it read once.
SELECT r.user_id, count(*) FROM {schema}.{table} AS r GROUP BY r.user_id

-- name: fan_out_unknown
-- For a table that is missing, or that would take too long.
SELECT u.id, NULL::bigint FROM sampled AS u WHERE false
