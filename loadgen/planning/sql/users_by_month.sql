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
