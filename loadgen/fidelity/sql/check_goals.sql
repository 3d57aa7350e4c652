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
