-- As the application does, but with a limit on time; all of it ends with the savepoint.
SELECT
    set_config('row_security', 'on', true),
    set_config('statement_timeout', %(timeout_ms)s, true),
    set_config('app.user_id', %(user_id)s, true),
    set_config('role', 'affluvia_app_role', true)
