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
