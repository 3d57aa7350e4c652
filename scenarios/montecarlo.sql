-- The statements of montecarlo.py.

-- name: inputs (read, rows 0..1)
-- $1 user_id bigint = active_user
SELECT
    coalesce(
        (monte_carlo_results ->> 'start_balance')::float8,
        (financial_data #>> '{assets,retirement_accounts}')::float8 + (financial_data #>> '{assets,brokerage}')::float8,
        0
    ) AS balance,
    coalesce((monte_carlo_results ->> 'annual_contribution')::float8, 0) AS annual_contribution,
    coalesce((monte_carlo_results ->> 'horizon_years')::int, 30) AS horizon_years,
    coalesce((monte_carlo_results ->> 'stock_share')::float8, 0.6) AS stock_share,
    coalesce((monte_carlo_results ->> 'goal')::float8, 0) AS goal
FROM financial_profiles
WHERE user_id = $1

-- name: store_results (write, rows 0..1)
-- $1 user_id bigint = active_user
-- $2 results jsonb = simulate(inputs)
-- $3 changed jsonb = score
UPDATE financial_profiles
SET monte_carlo_results = $2, calculations = calculations || $3
WHERE user_id = $1

-- name: store_optimisation (write, rows 0..1)
-- $1 user_id bigint = active_user
-- $2 variables jsonb = optimised
UPDATE financial_profiles
SET optimization_variables = coalesce(optimization_variables, '{}') || $2
WHERE user_id = $1

-- name: results (read, rows 0..1)
-- $1 user_id bigint = active_user
SELECT monte_carlo_results, optimization_variables, calculations -> 'retirement_score' AS retirement_score
FROM financial_profiles
WHERE user_id = $1 AND monte_carlo_results IS NOT NULL
