-- Stored households: balances, families and goals.

-- name: households
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

-- name: samples
-- Balances of all households, by age, by income and by net worth: how many hold each item, and quantiles of holders.
WITH household AS MATERIALIZED (
    SELECT
        width_bucket(h.age, %(age_from)s::int[]) AS age_group,
        h.income::float8 AS income, h.net_worth::float8 AS net_worth,
        h.home::float8 AS home, h.mortgage::float8 AS home_debt, h.retirement_accounts::float8 AS retirement,
        h.student_loans::float8 AS student_loan, h.credit_cards::float8 AS card_balance
    FROM ({households}) AS h
), cut AS MATERIALIZED (
    SELECT
        percentile_cont(%(income_cuts)s::float8[]) WITHIN GROUP (ORDER BY income) AS income,
        percentile_cont(%(worth_cuts)s::float8[]) WITHIN GROUP (ORDER BY net_worth) AS net_worth
    FROM household
), placed AS (
    SELECT
        household.*,
        1 + width_bucket(household.income, cut.income) AS income_group,
        1 + width_bucket(household.net_worth, cut.net_worth) AS worth_group
    FROM household CROSS JOIN cut
)
SELECT
    age_group, income_group, worth_group,
    count(*) AS households,
    count(*) FILTER (WHERE net_worth < 0) AS under_water,
    avg(income) AS income_mean, stddev_samp(income) AS income_deviation,
    percentile_cont(%(grid)s::float8[]) WITHIN GROUP (ORDER BY income) AS income,
    avg(net_worth) AS net_worth_mean, stddev_samp(net_worth) AS net_worth_deviation,
    percentile_cont(%(grid)s::float8[]) WITHIN GROUP (ORDER BY net_worth) AS net_worth,
    percentile_cont(%(grid)s::float8[]) WITHIN GROUP (ORDER BY home - home_debt) FILTER (WHERE home > 0) AS home_equity,
    count(*) FILTER (WHERE home > 0) AS home_holders,
    percentile_cont(%(grid)s::float8[]) WITHIN GROUP (ORDER BY home) FILTER (WHERE home > 0) AS home,
    count(*) FILTER (WHERE home_debt > 0) AS home_debt_holders,
    percentile_cont(%(grid)s::float8[]) WITHIN GROUP (ORDER BY home_debt) FILTER (WHERE home_debt > 0) AS home_debt,
    count(*) FILTER (WHERE retirement > 0) AS retirement_holders,
    percentile_cont(%(grid)s::float8[]) WITHIN GROUP (ORDER BY retirement) FILTER (WHERE retirement > 0) AS retirement,
    count(*) FILTER (WHERE student_loan > 0) AS student_loan_holders,
    percentile_cont(%(grid)s::float8[]) WITHIN GROUP (ORDER BY student_loan)
        FILTER (WHERE student_loan > 0) AS student_loan,
    count(*) FILTER (WHERE card_balance > 0) AS card_balance_holders,
    percentile_cont(%(grid)s::float8[]) WITHIN GROUP (ORDER BY card_balance)
        FILTER (WHERE card_balance > 0) AS card_balance
FROM placed
GROUP BY GROUPING SETS ((age_group), (income_group), (worth_group), ())

-- name: concentration
-- Moments of income and net worth beside their quantiles: what the share of the richest, and its error, are made of.
WITH amount AS MATERIALIZED (
    SELECT v.series, v.x
    FROM ({households}) AS h
    CROSS JOIN LATERAL (VALUES ('income', h.income::float8), ('net_worth', h.net_worth::float8)) AS v (series, x)
), cut AS (
    SELECT
        series, count(*) AS households, avg(x) AS mean, coalesce(var_samp(x), 0) AS var_x,
        percentile_cont(%(cuts)s::float8[]) WITHIN GROUP (ORDER BY x) AS at
    FROM amount
    GROUP BY series
), asked AS (
    SELECT cut.series, cut.households, cut.mean, cut.var_x, u.p, u.q
    FROM cut CROSS JOIN LATERAL unnest(%(cuts)s::float8[], cut.at) AS u (p, q)
)
SELECT
    a.series, a.p, a.households, a.mean, a.q,
    avg(greatest(amount.x - a.q, 0)) AS mean_u,
    coalesce(var_samp(greatest(amount.x - a.q, 0)), 0) AS var_u,
    coalesce(covar_samp(greatest(amount.x - a.q, 0), amount.x), 0) AS cov_ux,
    a.var_x
FROM asked AS a
JOIN amount USING (series)
GROUP BY a.series, a.p, a.households, a.mean, a.q, a.var_x

-- name: families
-- Who lives in the households: how many there are of each kind. A profile without a key counts to nothing of it; one
-- without its size has as many persons as it names.
WITH family AS (
    SELECT
        (basic_info ->> 'age')::int AS age,
        (basic_info ->> 'retirement_age')::int AS retirement_age,
        basic_info ->> 'marital_status' = 'married' AS married,
        coalesce((basic_info ->> 'dependents')::int, 0) AS minors,
        (basic_info ->> 'household_size')::int AS household_size,
        CASE jsonb_typeof(basic_info -> 'children') WHEN 'array' THEN jsonb_array_length(basic_info -> 'children')
             ELSE 0 END AS children,
        (basic_info ->> 'has_will')::boolean AS has_will,
        (basic_info ->> 'has_trust')::boolean AS has_trust
    FROM public.financial_profiles
), persons AS (
    SELECT *, coalesce(household_size, 1 + coalesce(married::int, 0) + children) AS persons FROM family
)
SELECT
    age, retirement_age,
    count(*) AS households,
    count(*) FILTER (WHERE married) AS married,
    count(*) FILTER (WHERE married AND minors > 0) AS married_with_minor,
    count(*) FILTER (WHERE persons = 1) AS one_person,
    sum(persons)::float8 AS persons,
    sum(persons * persons)::float8 AS persons_squared,
    count(has_will) AS will_known, count(*) FILTER (WHERE has_will) AS will,
    count(has_trust) AS trust_known, count(*) FILTER (WHERE has_trust) AS trust
FROM persons
GROUP BY age, retirement_age

-- name: main_goals
-- The first goal that each user set, by type.
SELECT type, count(*)
FROM (SELECT DISTINCT ON (user_id) user_id, type FROM public.goals ORDER BY user_id, id) AS first
GROUP BY type

-- name: college_prices
-- What a year costs in the education goals, by school type.
SELECT
    school_type, count(*),
    percentile_cont(%(grid)s::float8[]) WITHIN GROUP (ORDER BY (costs ->> 'yearly_cost')::float8)
FROM public.education_goals
GROUP BY school_type

-- name: export
-- The order of keys, so that the same rows give the same file.
COPY (
    SELECT
        age, income, net_worth, home, retirement_accounts, brokerage, cash, education_529, vehicles, business_other,
        mortgage, student_loans, credit_cards, auto_loans
    FROM ({households}) AS household
    ORDER BY user_id
) TO STDOUT (FORMAT csv, HEADER)
