-- The order of keys, so that the same rows give the same file.
COPY (
    SELECT
        age, income, net_worth, home, retirement_accounts, brokerage, cash, education_529, vehicles, business_other,
        mortgage, student_loans, credit_cards, auto_loans
    FROM ({households}) AS household
    ORDER BY user_id
) TO STDOUT (FORMAT csv, HEADER)
