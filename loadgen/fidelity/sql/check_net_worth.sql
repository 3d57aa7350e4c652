-- Assets and debts add up to their totals, and the stored net worth is their difference, or 0 below it.
SELECT
    count(*),
    count(*) FILTER (
        WHERE (assets = total_assets AND debts = total_debts AND net_worth = greatest(assets - debts, 0)) IS NOT TRUE
    )
FROM (
    SELECT
        (SELECT sum(a.value::numeric) FROM jsonb_each_text(financial_data -> 'assets') AS a) AS assets,
        (SELECT sum(d.value::numeric) FROM jsonb_each_text(financial_data -> 'debts') AS d) AS debts,
        (calculations ->> 'total_assets')::numeric AS total_assets,
        (calculations ->> 'total_debts')::numeric AS total_debts,
        (calculations ->> 'net_worth')::numeric AS net_worth
    FROM public.financial_profiles
) AS household
