SELECT count(*), count(*) FILTER (WHERE total IS DISTINCT FROM 100)
FROM (
    SELECT (
        SELECT sum((heir ->> 'share_pct')::numeric) FROM jsonb_array_elements(beneficiaries) AS heir
    ) AS total
    FROM public.estate_plans
) AS estate
