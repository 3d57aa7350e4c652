SELECT
    count(*) FILTER (WHERE (financial_data #>> '{debts,mortgage}')::numeric > 0),
    count(*) FILTER (
        WHERE (financial_data #>> '{debts,mortgage}')::numeric > 0
            AND coalesce((financial_data #>> '{assets,home}')::numeric, 0) <= 0
    )
FROM public.financial_profiles
