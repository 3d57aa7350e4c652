-- Settings of one transaction.

-- name: limits
-- For the one transaction: see all rows or an error, sort in memory where that is cheap, and compile nothing.
SELECT
    set_config('row_security', 'off', true),
    set_config('jit', 'off', true),
    set_config('work_mem', '64MB', true),
    set_config('TimeZone', 'UTC', true)

-- name: identify
-- As the application does, but with a limit on time; all of it ends with the savepoint.
SELECT
    set_config('row_security', 'on', true),
    set_config('statement_timeout', %(timeout_ms)s, true),
    set_config('app.user_id', %(user_id)s, true),
    set_config('role', 'affluvia_app_role', true)
