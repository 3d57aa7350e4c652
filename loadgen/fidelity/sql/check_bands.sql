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
