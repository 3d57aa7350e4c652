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
