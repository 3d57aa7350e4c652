-- Moments of income and net worth beside their quantiles: what the share of the richest, and its error, are made of.
WITH amount AS MATERIALIZED (
    SELECT v.series, v.x
    FROM ({households}) AS h
    CROSS JOIN LATERAL (VALUES ('income', h.income::float8), ('net_worth', h.net_worth::float8)) AS v (series, x)
), cut AS (
    SELECT
        series, count(*) AS households, avg(x) AS mean, coalesce(var_samp(x), 0) AS var_x,
        percentile_cont(%(cuts)s::float8[]) WITHIN GROUP (ORDER BY x) AS at
    FROM amount
    GROUP BY series
), asked AS (
    SELECT cut.series, cut.households, cut.mean, cut.var_x, u.p, u.q
    FROM cut CROSS JOIN LATERAL unnest(%(cuts)s::float8[], cut.at) AS u (p, q)
)
SELECT
    a.series, a.p, a.households, a.mean, a.q,
    avg(greatest(amount.x - a.q, 0)) AS mean_u,
    coalesce(var_samp(greatest(amount.x - a.q, 0)), 0) AS var_u,
    coalesce(covar_samp(greatest(amount.x - a.q, 0), amount.x), 0) AS cov_ux,
    a.var_x
FROM asked AS a
JOIN amount USING (series)
GROUP BY a.series, a.p, a.households, a.mean, a.q, a.var_x
