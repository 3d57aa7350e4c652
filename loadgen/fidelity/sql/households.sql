-- One row a household, as stored: what is owned, what is owed, and the true net worth.
SELECT
    p.user_id,
    (p.basic_info ->> 'age')::int AS age,
    income.total AS income,
    totals.total_assets - totals.total_debts AS net_worth,
    assets.*,
    debts.*
FROM public.financial_profiles AS p
CROSS JOIN LATERAL jsonb_to_record(p.financial_data -> 'income') AS income (total numeric)
CROSS JOIN LATERAL jsonb_to_record(p.calculations) AS totals (total_assets numeric, total_debts numeric)
CROSS JOIN LATERAL jsonb_to_record(p.financial_data -> 'assets') AS assets (
    home numeric, retirement_accounts numeric, brokerage numeric, cash numeric, education_529 numeric,
    vehicles numeric, business_other numeric
)
CROSS JOIN LATERAL jsonb_to_record(p.financial_data -> 'debts') AS debts (
    mortgage numeric, student_loans numeric, credit_cards numeric, auto_loans numeric
)
