SELECT count(*), count(*) FILTER (WHERE total IS NULL OR abs(total - 100) > 0.001)
FROM (
    SELECT (SELECT sum(share.value::numeric) FROM jsonb_each_text(calculations -> 'allocation') AS share) AS total
    FROM public.financial_profiles
) AS allocation
