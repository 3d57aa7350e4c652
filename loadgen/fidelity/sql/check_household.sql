SELECT
    count(*),
    count(*) FILTER (
        WHERE (basic_info ->> 'household_size')::int
            < 1 + (basic_info ->> 'marital_status' = 'married')::int + (basic_info ->> 'dependents')::int
    )
FROM public.financial_profiles
