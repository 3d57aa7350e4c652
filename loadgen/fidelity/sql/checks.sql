-- Rules of consistency: how many rows each applies to, and how many violate it.

-- name: net_worth
-- Assets and debts add up to their totals, and the stored net worth is their difference, or 0 below it.
SELECT
    count(*),
    count(*) FILTER (
        WHERE (assets = total_assets AND debts = total_debts AND net_worth = greatest(assets - debts, 0)) IS NOT TRUE
    )
FROM (
    SELECT
        (SELECT sum(a.value::numeric) FROM jsonb_each_text(financial_data -> 'assets') AS a) AS assets,
        (SELECT sum(d.value::numeric) FROM jsonb_each_text(financial_data -> 'debts') AS d) AS debts,
        (calculations ->> 'total_assets')::numeric AS total_assets,
        (calculations ->> 'total_debts')::numeric AS total_debts,
        (calculations ->> 'net_worth')::numeric AS net_worth
    FROM public.financial_profiles
) AS household

-- name: mortgage
SELECT
    count(*) FILTER (WHERE (financial_data #>> '{debts,mortgage}')::numeric > 0),
    count(*) FILTER (
        WHERE (financial_data #>> '{debts,mortgage}')::numeric > 0
            AND coalesce((financial_data #>> '{assets,home}')::numeric, 0) <= 0
    )
FROM public.financial_profiles

-- name: household
SELECT
    count(*),
    count(*) FILTER (
        WHERE (basic_info ->> 'household_size')::int
            < 1 + (basic_info ->> 'marital_status' = 'married')::int + (basic_info ->> 'dependents')::int
    )
FROM public.financial_profiles

-- name: allocation
SELECT count(*), count(*) FILTER (WHERE total IS NULL OR abs(total - 100) > 0.001)
FROM (
    SELECT (SELECT sum(share.value::numeric) FROM jsonb_each_text(calculations -> 'allocation') AS share) AS total
    FROM public.financial_profiles
) AS allocation

-- name: bands
-- In every year of every projection. Arrays of unequal length leave nulls, which count as crossing.
SELECT count(*), count(*) FILTER (WHERE rising IS NOT TRUE)
FROM (
    SELECT (
        SELECT bool_and(coalesce(p10 <= p25 AND p25 <= p50 AND p50 <= p75 AND p75 <= p90, false))
        FROM ROWS FROM (
            jsonb_array_elements(bands -> 'p10'), jsonb_array_elements(bands -> 'p25'),
            jsonb_array_elements(bands -> 'p50'), jsonb_array_elements(bands -> 'p75'),
            jsonb_array_elements(bands -> 'p90')
        ) AS year (p10, p25, p50, p75, p90)
    ) AS rising
    FROM (
        SELECT monte_carlo_results -> 'bands' AS bands
        FROM public.financial_profiles
        WHERE monte_carlo_results IS NOT NULL
        OFFSET 0 -- fetch each document once
    ) AS projection
) AS projections

-- name: score
SELECT
    count(*),
    count(*) FILTER (
        WHERE round(100 * (monte_carlo_results ->> 'success_probability')::numeric)
            IS DISTINCT FROM (calculations ->> 'retirement_score')::numeric
    )
FROM public.financial_profiles
WHERE monte_carlo_results IS NOT NULL

-- name: simulation
-- A simulation starts from the household's own balance, horizon (1 to 50 years) and stocks.
SELECT
    count(*),
    count(*) FILTER (
        WHERE (
            abs((results ->> 'start_balance')::numeric - (results #>> '{bands,p50,0}')::numeric) <= 0.01
            AND (results ->> 'start_balance')::numeric <= (financial_data #>> '{assets,retirement_accounts}')::numeric
                + (financial_data #>> '{assets,brokerage}')::numeric + (financial_data #>> '{assets,cash}')::numeric
            AND abs(100 * (results ->> 'stock_share')::numeric - stocks) < 0.06
            AND (results ->> 'horizon_years')::int = least(greatest(last_age - age, 1), 50)
        ) IS NOT TRUE
    )
FROM (
    SELECT
        monte_carlo_results AS results,
        financial_data,
        (calculations #>> '{allocation,us_stocks}')::numeric
            + (calculations #>> '{allocation,international_stocks}')::numeric AS stocks,
        (basic_info ->> 'age')::int AS age,
        CASE basic_info ->> 'employment_status' WHEN 'retired' THEN (basic_info ->> 'life_expectancy')::int
             ELSE (basic_info ->> 'retirement_age')::int END AS last_age
    FROM public.financial_profiles
    WHERE monte_carlo_results IS NOT NULL
) AS simulated

-- name: children
-- Only a profile's own children below 18 are saved for, each once.
SELECT
    count(*),
    count(*) FILTER (
        WHERE nth > (
            SELECT count(*)
            FROM jsonb_array_elements(p.basic_info -> 'children') AS child
            WHERE child ->> 'name' = e.child_name AND (child ->> 'age')::int < 18
        )
    )
FROM (
    SELECT user_id, child_name, row_number() OVER (PARTITION BY user_id, child_name) AS nth
    FROM public.education_goals
) AS e
JOIN public.financial_profiles AS p USING (user_id)

-- name: beneficiaries
SELECT count(*), count(*) FILTER (WHERE total IS DISTINCT FROM 100)
FROM (
    SELECT (
        SELECT sum((heir ->> 'share_pct')::numeric) FROM jsonb_array_elements(beneficiaries) AS heir
    ) AS total
    FROM public.estate_plans
) AS estate

-- name: heirs
-- A spouse inherits where there is one, and no more children than there are.
SELECT
    count(*),
    count(*) FILTER (
        WHERE spouses <> (p.basic_info ->> 'marital_status' = 'married')::int
            OR children <> jsonb_array_length(p.basic_info -> 'children')
    )
FROM (
    SELECT
        user_id,
        (SELECT count(*) FROM jsonb_array_elements(beneficiaries) AS h WHERE h ->> 'relation' = 'spouse') AS spouses,
        (SELECT count(*) FROM jsonb_array_elements(beneficiaries) AS h WHERE h ->> 'relation' = 'child') AS children
    FROM public.estate_plans
) AS estate
JOIN public.financial_profiles AS p USING (user_id)

-- name: goal_dates
-- What is open lies ahead of the day the data stand for, what was completed does not.
SELECT
    count(*),
    count(*) FILTER (
        WHERE CASE WHEN status IN ('active', 'in_progress') THEN target_date <= %(as_of)s
                   ELSE status = 'completed' AND target_date > %(as_of)s END
    )
FROM public.goals

-- name: goals
-- Nobody pays down debt without any, improves a home without one, or saves for retirement when retired.
SELECT
    count(*),
    count(*) FILTER (
        WHERE CASE g.type
            WHEN 'pay_down_debt' THEN (p.calculations ->> 'total_debts')::numeric <= 0
            WHEN 'home_improvement' THEN (p.financial_data #>> '{assets,home}')::numeric <= 0
            WHEN 'retirement' THEN p.basic_info ->> 'employment_status' = 'retired'
            ELSE false
        END
    )
FROM public.goals AS g
JOIN public.financial_profiles AS p USING (user_id)

-- name: emails
-- Domains that are reserved for examples (RFC 2606, RFC 6761).
SELECT count(*), count(*) FILTER (WHERE email !~ '@([a-z0-9-]+\.)*(example\.(com|net|org)|[a-z0-9-]+\.(invalid|test))$')
FROM public.users

-- name: distinct_documents
-- By a hash of 64 bits: at ten million documents two different ones share it with a chance of 3 in a million.
SELECT count({column}), count({column}) - count(DISTINCT jsonb_hash_extended({column}, 0)) FROM public.{table}
