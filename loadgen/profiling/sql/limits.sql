-- For one transaction: only read, never wait for a lock, use one process, and see either all rows or an error. Names
-- mean the system's own, whatever the schemas of the database hold.
SELECT
    pg_catalog.set_config('transaction_read_only', 'on', true),
    pg_catalog.set_config('search_path', 'pg_catalog', true),
    pg_catalog.set_config('row_security', 'off', true),
    pg_catalog.set_config('statement_timeout', %(timeout_ms)s, true),
    pg_catalog.set_config('lock_timeout', '2s', true),
    pg_catalog.set_config('idle_in_transaction_session_timeout', '60s', true),
    pg_catalog.set_config('max_parallel_workers_per_gather', '0', true),
    pg_catalog.set_config('jit', 'off', true),
    pg_catalog.set_config('TimeZone', 'UTC', true)
