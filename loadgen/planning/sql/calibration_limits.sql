-- For this transaction only: no writes, no statement that runs away, the identity that row security asks for, and one
-- process, so that what is timed is one core.
SELECT
    set_config('transaction_read_only', 'on', true),
    set_config('statement_timeout', %(timeout_ms)s, true),
    set_config('lock_timeout', '2s', true),
    set_config('max_parallel_workers_per_gather', '0', true),
    set_config('jit', 'off', true),
    set_config('app.user_id', %(user)s, true)
