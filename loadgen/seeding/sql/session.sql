-- Sessions of a seeding.

-- name: session
-- What every connection of a seeding wants. A participant whose machine is gone must not hold its part for hours: its
-- server process notices a dead network within half a minute, and a client that does nothing within two. Limits that
-- this user or database may have for queries are not meant for a load. Servers differ in what they know.
SELECT set_config(name, wanted.value, false)
FROM pg_settings
JOIN (
    VALUES
        ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3'),
        ('tcp_user_timeout', '25000'), ('idle_in_transaction_session_timeout', '120000'), ('idle_session_timeout', '0'),
        ('statement_timeout', '0'), ('lock_timeout', '0'), ('transaction_timeout', '0'), ('search_path', 'public')
) AS wanted (name, value) USING (name);

-- In the middle of a long statement too, where the server's system can tell.
DO $$
BEGIN
    PERFORM set_config('client_connection_check_interval', '2000', false);
EXCEPTION WHEN invalid_parameter_value THEN
    NULL;
END $$;

-- name: session_load
-- A part takes seconds. A participant that is stopped in the middle of one, but whose connection lives, loses it.
SELECT set_config(name, '600000', false) FROM pg_settings WHERE name = 'transaction_timeout';

-- name: session_finish
-- Room for building an index, unless the server gives more.
SELECT set_config(
    'maintenance_work_mem',
    greatest(pg_size_bytes(current_setting('maintenance_work_mem')), %(memory_mb)s * 1048576::bigint) / 1024 || 'kB',
    false
);

-- name: flush_counters
-- This session's counters of changed rows reach the others' view when its transaction ends, not up to a second later.
SELECT pg_stat_force_next_flush();
