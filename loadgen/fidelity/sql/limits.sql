-- For the one transaction: see all rows or an error, sort in memory where that is cheap, and compile nothing.
SELECT
    set_config('row_security', 'off', true),
    set_config('jit', 'off', true),
    set_config('work_mem', '64MB', true),
    set_config('TimeZone', 'UTC', true)
