-- What a plan takes from a database: its users' history, and a calibration of its server.

-- name: users_by_month
-- Users at the end of each complete month (UTC): from the month of the first one to the last month that was over
-- before %(as_of)s. Users deleted since are not seen.
WITH joined AS (
    SELECT date_trunc('month', created_at AT TIME ZONE 'UTC')::date AS month, count(*) AS users
    FROM public.users
    GROUP BY 1
), months AS (
    SELECT generate_series(
        (SELECT min(month) FROM joined)::timestamp,
        date_trunc('month', %(as_of)s::timestamp) - interval '1 month',
        interval '1 month'
    )::date AS month
)
SELECT
    (months.month + interval '1 month' - interval '1 day')::date AS date,
    (sum(coalesce(joined.users, 0)) OVER (ORDER BY months.month))::float8 AS users
FROM months
LEFT JOIN joined USING (month)
ORDER BY months.month

-- name: commit_probe
-- A few bytes of WAL that a commit must bring to the disk, and no row of any table.
SELECT pg_logical_emit_message(true, 'loadgen calibrate', '')

-- name: calibration_users
-- Users at given places, from 0 to 1, of the range of ids: the same people on any copy of the data.
SELECT DISTINCT (
    SELECT users.id FROM public.users
    WHERE users.id >= range.least + floor((range.most - range.least) * place)::bigint
    ORDER BY users.id
    LIMIT 1
) AS id
FROM (SELECT min(id) AS least, max(id) AS most FROM public.users) AS range, unnest(%(places)s::float8[]) AS place
WHERE range.least IS NOT NULL
ORDER BY id

-- name: calibration_limits
-- For this transaction only: no writes, no statement that runs away, the identity that row security asks for, and one
-- process, so that what is timed is one core.
SELECT
    set_config('transaction_read_only', 'on', true),
    set_config('statement_timeout', %(timeout_ms)s, true),
    set_config('lock_timeout', '2s', true),
    set_config('max_parallel_workers_per_gather', '0', true),
    set_config('jit', 'off', true),
    set_config('app.user_id', %(user)s, true)
