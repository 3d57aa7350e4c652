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
