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
