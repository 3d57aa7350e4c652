SELECT
    count(*),
    count(*) FILTER (
        WHERE round(100 * (monte_carlo_results ->> 'success_probability')::numeric)
            IS DISTINCT FROM (calculations ->> 'retirement_score')::numeric
    )
FROM public.financial_profiles
WHERE monte_carlo_results IS NOT NULL
